import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { nodeOs } from '@cloister/os'
import { afterEach, describe, expect, it } from 'vitest'
import { Scratch } from './scratch.ts'

const { processes } = nodeOs()
/** No process can have this number (PID_MAX_LIMIT is 2^22). */
const noProcess = 2 ** 22 + 1
const parent = tmpdir().length > 22 ? '/tmp' : tmpdir()
const killed = join(parent, `cloister-demo-${noProcess}-test01`)
const living = join(parent, `cloister-demo-${process.ppid}-test01`)

afterEach(async () => {
  for (const path of [killed, living]) await rm(path, { recursive: true, force: true })
})

describe('the folder of a demo', () => {
  it('is removed at the end', async () => {
    const scratch = await Scratch.make(processes)
    await writeFile(join(scratch.path, 'file'), '')
    await scratch[Symbol.asyncDispose]()
    expect(await readdir(parent)).not.toContain(basename(scratch.path))
  })

  it('is removed by the next demo when its own demo was killed, and with it what still runs there', async () => {
    for (const path of [killed, living]) await mkdir(path)
    const left = await processes.startDetached(['sleep', '600'], { log: join(killed, 'log') })
    await (await Scratch.make(processes))[Symbol.asyncDispose]()
    await left.exited
    const names = await readdir(parent)
    expect(names).not.toContain(basename(killed))
    expect(names).toContain(basename(living))
  })
})

import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8Text } from '@cloister/kit'
import { nodeOs } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { ImageFixture, MiB } from './testing/image-fixture.ts'
import { realPlace } from './testing/place.ts'

const { processes } = nodeOs()

async function output(...command: [string, ...string[]]): Promise<string | undefined> {
  return utf8Text((await processes.run(command)).stdout)?.trim()
}

/** Whether this machine lets us have a loop device. */
async function loopsWork(): Promise<boolean> {
  const works = process.getuid?.() === 0 && (await output('losetup', '--find').catch(() => undefined)) !== undefined
  if (!works) console.warn('skipped: no loop devices here')
  return works
}

describe('loop devices', async () => {
  it.skipIf(!(await loopsWork()))('22: of a running volume see its new size', async () => {
    const folder = await fs.mkdtemp(join(tmpdir(), 'cloister-loop-'))
    const at = await ImageFixture.make(realPlace(folder, false))
    const volume = at.origin()
    await volume.create()
    await volume.start()
    const device = await output('losetup', '--find', '--show', volume.path)
    try {
      await volume.resize(2n * MiB)
      expect(await output('blockdev', '--getsize64', device ?? '')).toBe(String(2n * MiB))
    } finally {
      await processes.run(['losetup', '--detach', device ?? ''])
      await fs.rm(folder, { recursive: true })
    }
  })
})

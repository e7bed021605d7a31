import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8Text } from '@cloister/kit'
import { ModelledOs, nodeOs, ProcessError, type RunOptions } from '@cloister/os'
import { afterAll, describe, expect, it } from 'vitest'
import { Confinement, wasKilled } from './confinement.ts'

const os = nodeOs()
const folder = await fs.mkdtemp(join(tmpdir(), 'cloister-confinement-'))
const missing = await Confinement.make(os).then(() => undefined, String)
if (missing !== undefined) console.info(`no program can be confined here: ${missing}`)
const isRoot = os.host.uid === 0
if (!isRoot) console.info('not root: a confined program has no user id of its own')
afterAll(() => fs.rm(folder, { recursive: true }))

const limits = { cpuSeconds: 60, fileSize: 1n << 20n }

/** Runs a line of shell in confinement; returns what it prints. */
async function confined(line: string, options: RunOptions = {}, changed = {}): Promise<string> {
  const confinement = await Confinement.make(os)
  const command = confinement.command(['sh', '-c', line], { ...limits, ...changed })
  return utf8Text((await os.processes.run(command, options)).stdout) ?? ''
}

describe.skipIf(missing !== undefined)('a confined program', () => {
  it.skipIf(!isRoot)('runs as a user of its own, another one each time, in no group', async () => {
    const first = await confined('id -u; id -g; id -G')
    expect(first).toMatch(/^(18791\d{5})\n\1\n\1\n$/)
    expect(await confined('id -u; id -g; id -G')).not.toBe(first)
  })

  it.skipIf(!isRoot)('has no capability and gains none', async () => {
    const status = await confined('cat /proc/self/status')
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect(status).toContain(`${set}:\t0000000000000000`)
    expect(status).toContain('NoNewPrivs:\t1')
  })

  it.skipIf(!isRoot)('reads no file of root', async () => {
    await expect(confined('cat /etc/shadow')).rejects.toThrow(/Permission denied/)
  })

  it.skipIf(!isRoot)('has no network', async () => {
    expect((await confined('cat /proc/net/dev')).trim().split('\n').slice(2).join()).toMatch(/^ *lo:[^,]*$/)
  })

  it.skipIf(!isRoot)('leaves no process behind', async () => {
    const uid = Number(await confined('id -u; setsid sleep 600 > /dev/null 2>&1 &'))
    const owners = await Promise.all(
      (await fs.readdir('/proc'))
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => fs.stat(`/proc/${pid}`).catch(() => undefined)),
    )
    expect(owners.filter((stat) => stat?.uid === uid)).toEqual([])
  })

  it('ends when the time is over', async () => {
    await expect(confined('sleep 600', { timeoutMs: 300 })).rejects.toThrow('took longer than 300 ms')
  })

  it('gets nothing of the environment', async () => {
    expect((await confined('env', { env: { SECRET: 'x' } })).split('\n').toSorted()).not.toContain('SECRET=x')
  })

  it('cannot use more memory than its limit', async () => {
    await expect(confined('dd if=/dev/zero of=/dev/null bs=1G count=1')).rejects.toThrow(/exhausted|allocate/)
  })

  it('cannot write a file larger than its limit', async () => {
    const path = join(folder, 'large')
    await fs.writeFile(path, '')
    const inherit = [{ path, access: 'readwrite' }] as const
    await expect(confined('exec head -c 2000000 /dev/zero >&3', { inherit })).rejects.toThrow(/SIGXFSZ|File too large/)
    expect((await fs.stat(path)).size).toBe(1 << 20)
  })

  it('cannot use more processor time than its limit', async () => {
    const error = await confined('while :; do :; done', {}, { cpuSeconds: 1 }).catch((thrown: unknown) => thrown)
    expect(error instanceof ProcessError && wasKilled(error)).toBe(true)
  })

  it('reaches the files that it inherits', async () => {
    const path = join(folder, 'inherited')
    await fs.writeFile(path, 'content', { mode: 0o600 })
    expect(await confined('cat <&3', { inherit: [{ path, access: 'read' }] })).toBe('content')
  })
})

describe('a program that is missing', () => {
  it('is named with its package', async () => {
    await expect(Confinement.make(new ModelledOs())).rejects.toThrow('qemu-img is not installed (package qemu-utils)')
  })
})

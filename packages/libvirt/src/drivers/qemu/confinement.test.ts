import { chmod, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeOs } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskXml, QemuHarness, qemu } from './testing/qemu-harness.ts'

const isRoot = process.getuid?.() === 0
if (!isRoot) console.warn('skipped: only root can confine guests')

describe.skipIf(!qemu || !isRoot)('a guest of root', () => {
  const base = 1_900_000_000
  let host: QemuHarness

  beforeEach(async () => {
    host = await QemuHarness.make(nodeOs(), `&uidbase=${base}`)
  })

  afterEach(async () => {
    await host[Symbol.asyncDispose]()
  })

  async function status(pid: number): Promise<Map<string, string>> {
    const lines = (await readFile(`/proc/${pid}/status`, 'utf8')).split('\n')
    return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
  }

  it('runs as a user of its own, without rights, in a sandbox', async () => {
    await host.boot()
    await host.boot()
    const found = await Promise.all((await host.processes()).map(status))
    expect(found.map((one) => one.get('Uid')?.split('\t')[0]).sort()).toEqual([`${base}`, `${base + 1}`])
    for (const one of found) {
      expect(new Set(one.get('Uid')?.split('\t')).size).toBe(1)
      expect(new Set(one.get('Gid')?.split('\t')).size).toBe(1)
      expect(one.get('Groups')).toBe('')
      expect(one.get('CapEff')).toBe('0000000000000000')
      expect(one.get('NoNewPrivs')).toBe('1')
      expect(one.get('Seccomp')).toBe('2')
    }
  })

  it('reads and writes images that only root may open, below folders that only root may enter', async () => {
    const image = await host.bootImage('secret')
    await chmod(image, 0o600)
    const { console } = await host.boot({ image })
    await console.type('W')
    await console.until('w')
    expect((await stat(image)).uid).toBe(0)
    expect((await stat(host.folder)).mode & 0o777).toBe(0o700)
  })

  it('cannot put anything in its run folder once it runs', async () => {
    await host.boot()
    const folder = join(host.folder, 'q/run', (await host.left('run'))[0] ?? '')
    expect(await stat(folder)).toMatchObject({ uid: 0, gid: 0 })
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  it('gets a copy of a kernel that only root may read, and others as they are', async () => {
    const [secret, open] = [join(host.folder, 'secret'), join(host.folder, 'open')]
    // QEMU takes anything as a kernel of the oldest kind.
    await writeFile(secret, new Uint8Array(16_384), { mode: 0o600 })
    await writeFile(open, new Uint8Array(16_384), { mode: 0o644 })
    for (const kernel of [secret, open]) {
      const domain = await host.driver.domainCreate(await host.define({ os: `<kernel>${kernel}</kernel>` }))
      const files = await openFiles((await host.processes())[0] ?? 0)
      expect(files.filter((path) => path.endsWith('/kernel'))).toHaveLength(kernel === secret ? 1 : 0)
      expect(files.includes(kernel)).toBe(kernel === open)
      await host.driver.domainDestroy(domain)
    }
  })

  it('holds nothing but its own files', async () => {
    const other = await host.bootImage('other')
    const { domain } = await host.boot({ name: 'own', devices: diskXml({ path: other, target: 'vdb' }) })
    const files = await openFiles((await host.processes())[0] ?? 0)
    const ours = files.filter((path) => path.startsWith(host.folder)).map((path) => path.slice(host.folder.length + 1))
    const run = (await host.left('run'))[0]
    const logs = [`q/log/${domain.uuid}.console.log`, `q/log/${domain.uuid}.log`]
    expect([...new Set(ours)].toSorted()).toEqual(['other.img', 'own.img', ...logs, `q/run/${run}`])
  })

  it('is limited by control groups, which go with it', async () => {
    const { domain } = await host.boot()
    const [pid = 0] = await host.processes()
    const groups = (await readFile(`/proc/${pid}/cgroup`, 'utf8'))
      .split('\n')
      .filter((line) => line.includes(domain.uuid))
    if (
      host.logged.includes(
        'warn control groups cannot be used: guests run without limits of memory, processes and processor time',
      )
    ) {
      expect(groups).toEqual([])
      return
    }
    expect(groups.length).toBeGreaterThan(0)
    const record = await readFile(join(host.folder, 'q/state', `${domain.uuid}.json`), 'utf8')
    const folders = (JSON.parse(record) as { groups: string[] }).groups
    const memory = folders.find((folder) => folder.includes('memory')) ?? folders[0] ?? ''
    const limit = await readFile(join(memory, 'memory.limit_in_bytes'), 'utf8').catch(() =>
      readFile(join(memory, 'memory.max'), 'utf8'),
    )
    // 64 MiB and 15 %, 256 MiB for QEMU and as much for the code that it translates.
    expect(Number(limit)).toBeGreaterThan(580 << 20)
    expect(Number(limit)).toBeLessThan(590 << 20)
    await host.driver.domainDestroy(domain)
    for (const folder of folders) await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('gives users back, and does not use those of guests that it has adopted', async () => {
    const { domain } = await host.boot()
    await host.reopen()
    await host.boot()
    const uids = await Promise.all(
      (await host.processes()).map(async (pid) => (await status(pid)).get('Uid')?.split('\t')[0]),
    )
    expect(new Set(uids).size).toBe(2)
    await host.driver.domainDestroy(domain)
  })
})

/** What a process has open. */
async function openFiles(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`
  return Promise.all((await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => '')))
}

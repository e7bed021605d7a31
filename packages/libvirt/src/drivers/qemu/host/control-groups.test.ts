import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Files, nodeOs, type Os, overlaid } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ControlGroups } from './control-groups.ts'

const one = { uuid: 'one', name: 'first' }
const limits = { memory: 1 << 30, tasks: 130, processors: 3 }

let mount: string

beforeEach(async () => {
  mount = await mkdtemp(join(tmpdir(), 'cloister-cgroup-'))
})

afterEach(() => rm(mount, { recursive: true }))

/** The machine with control groups as given, in which a new group has all its files, as the kernel makes them. */
function modelled(
  membership: string,
  refuse: (path: string, content: string) => string | undefined = () => undefined,
): Os {
  const os = nodeOs()
  const model: Pick<Files, 'read' | 'open' | 'removeFolder'> = {
    read: (path, limit) =>
      path === '/proc/self/cgroup' ? Promise.resolve(Buffer.from(membership)) : os.files.read(path, limit),
    open: async (path) => {
      await writeFile(path, '', { flag: 'a' })
      const file = await os.files.open(path)
      const write: typeof file.write = async (bytes, position) => {
        const code = refuse(path, Buffer.from(bytes).toString())
        if (code) throw Object.assign(new Error(code), { code })
        await file.write(bytes, position)
      }
      return { ...file, write }
    },
    removeFolder: (path) => rm(path, { recursive: true }),
  }
  return { ...os, files: overlaid<Files>(os.files, model) }
}

const content = (...path: string[]): Promise<string> => readFile(join(mount, ...path), 'utf8')

describe('ControlGroups', () => {
  it('limits by the one tree of version 2', async () => {
    await mkdir(join(mount, 'system.slice/cloisterd.service'), { recursive: true })
    await writeFile(join(mount, 'cgroup.controllers'), '')
    const groups = await ControlGroups.find({ os: modelled('0::/system.slice/cloisterd.service\n') }, mount)
    await groups.confine(one, 77, limits)
    const [folder = ''] = groups.folders(one)
    expect(folder).toBe(join(mount, 'system.slice/cloisterd.service/cloister-qemu/one'))
    expect(await readFile(join(folder, 'memory.max'), 'utf8')).toBe('1073741824')
    expect(await readFile(join(folder, 'pids.max'), 'utf8')).toBe('130')
    expect(await readFile(join(folder, 'cpu.max'), 'utf8')).toBe('300000 100000')
    expect(await readFile(join(folder, 'cgroup.procs'), 'utf8')).toBe('77')
    expect(await content('system.slice/cloisterd.service/cloister-qemu/cgroup.subtree_control')).toBe(
      '+memory +pids +cpu',
    )
    await groups.remove(groups.folders(one))
    await expect(readFile(join(folder, 'pids.max'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('moves itself out of the way where version 2 wants it', async () => {
    await writeFile(join(mount, 'cgroup.controllers'), '')
    let moved = false
    const os = modelled('0::/\n', (path, text) => {
      if (path === join(mount, 'cloister-daemon/cgroup.procs')) moved = text === '0'
      return path === join(mount, 'cgroup.subtree_control') && !moved ? 'EBUSY' : undefined
    })
    const groups = await ControlGroups.find({ os }, mount)
    expect(moved).toBe(true)
    expect(groups.folders(one)).toHaveLength(1)
  })

  it('limits by the trees of version 1', async () => {
    for (const name of ['memory/here', 'pids', 'cpu']) await mkdir(join(mount, name), { recursive: true })
    const groups = await ControlGroups.find(
      { os: modelled('8:pids:/\n4:memory:/here\n2:cpu,cpuacct:/\n0::/\n') },
      mount,
    )
    await groups.confine(one, 77, limits)
    expect(await content('memory/here/cloister-qemu/one/memory.limit_in_bytes')).toBe('1073741824')
    expect(await content('pids/cloister-qemu/one/pids.max')).toBe('130')
    expect(await content('cpu/cloister-qemu/one/cpu.cfs_quota_us')).toBe('300000')
    for (const tree of ['memory/here', 'pids', 'cpu'])
      expect(await content(tree, 'cloister-qemu/one/cgroup.procs')).toBe('77')
  })

  it('does without a limit that the kernel does not have', async () => {
    for (const name of ['memory', 'pids', 'cpu']) await mkdir(join(mount, name))
    const os = modelled('8:pids:/\n4:memory:/\n2:cpu:/\n', (path) =>
      path.endsWith('cfs_quota_us') ? 'ENOENT' : undefined,
    )
    const groups = await ControlGroups.find({ os }, mount)
    expect(groups.folders(one)).toEqual(['memory', 'pids'].map((name) => join(mount, name, 'cloister-qemu/one')))
  })

  it('ends what is left in the groups of this machine, and removes them', async ({ skip }) => {
    const os = nodeOs()
    const logged: string[] = []
    const groups = await ControlGroups.find({ os, log: (_level, message) => void logged.push(message) })
    const left = { uuid: `left-${process.pid}`, name: 'left' }
    const folders = groups.folders(left)
    if (folders.length === 0) return skip('control groups cannot be made here')
    const started = await os.processes.startDetached(['sleep', '60'], { log: join(mount, 'log') })
    await groups.confine(left, started.pid, limits)
    await groups.remove(folders)
    expect(await started.exited).toEqual({ code: null, signal: 'SIGKILL' })
    for (const folder of folders) expect(await os.files.stat(folder)).toBeUndefined()
    expect(logged).toContain('a process is ended that a QEMU has left behind')
    expect(logged).not.toContain('a control group cannot be removed')
  })

  it('says aloud, once, that there are none', async () => {
    const logged: string[] = []
    const log = (level: string, message: string): void => void logged.push(`${level} ${message}`)
    const groups = await ControlGroups.find({ os: modelled('0::/\n'), log }, mount)
    await groups.confine(one, 77, limits)
    expect(groups.folders(one)).toEqual([])
    expect(logged.filter((line) => line.startsWith('warn'))).toHaveLength(1)
  })
})

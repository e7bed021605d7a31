import { join } from 'node:path'
import { errorText, utf8, utf8Text } from '@cloister/kit'
import { errorCode, type Files, type Os } from '@cloister/os'
import type { DriverEnvironment } from '../../driver-environment.ts'

/** What a QEMU may take from the host. */
export interface ResourceLimits {
  /** Bytes. */
  readonly memory: number
  /** Processes and threads. */
  readonly tasks: number
  /** Processors' worth of time. */
  readonly processors: number
}

/** A controller: its name, and the files that limit it with what they take. */
interface Controller {
  readonly name: string
  readonly files: (limits: ResourceLimits) => readonly (readonly [file: string, content: string])[]
}

/** Over this time the use of processors is measured, microseconds. */
const cpuPeriod = 100_000
const mountPoint = '/sys/fs/cgroup'
const largestProcFile = 64 << 10
/** A group is removed again and again while processes in it are being taken apart. */
const removal = { attempts: 50, pauseMs: 20 } as const

/** Version 2: one tree for all controllers. */
const unified: readonly Controller[] = [
  { name: 'memory', files: ({ memory }) => [['memory.max', `${memory}`]] },
  { name: 'pids', files: ({ tasks }) => [['pids.max', `${tasks}`]] },
  { name: 'cpu', files: ({ processors }) => [['cpu.max', `${processors * cpuPeriod} ${cpuPeriod}`]] },
]

/** Version 1: a tree for each controller. */
const separate: readonly Controller[] = [
  { name: 'memory', files: ({ memory }) => [['memory.limit_in_bytes', `${memory}`]] },
  { name: 'pids', files: ({ tasks }) => [['pids.max', `${tasks}`]] },
  {
    name: 'cpu',
    files: ({ processors }) => [
      ['cpu.cfs_period_us', `${cpuPeriod}`],
      ['cpu.cfs_quota_us', `${processors * cpuPeriod}`],
    ],
  },
]

/** A folder of controllers in which groups can be made, and the controllers there. */
interface Tree {
  readonly folder: string
  readonly controllers: readonly Controller[]
}

/**
 * Limits by control group, in both of the kernel's versions, below the group that we are in. A host on which groups
 * cannot be made is said aloud, once; guests then run without these limits.
 */
export class ControlGroups {
  readonly #os: Os
  readonly #log: DriverEnvironment['log']
  readonly #trees: readonly Tree[]

  private constructor(os: Os, log: DriverEnvironment['log'], trees: readonly Tree[]) {
    this.#os = os
    this.#log = log
    this.#trees = trees
  }

  /** Finds out what this host offers. */
  static async find({ os, log }: DriverEnvironment, mount: string = mountPoint): Promise<ControlGroups> {
    const groups = new ControlGroups(os, log, await findTrees(os, mount, log))
    if (groups.#trees.length === 0) log?.('warn', 'control groups cannot be used: guests run without limits by them')
    return groups
  }

  /** Folders of the groups that `confine` makes, to be removed when the process is gone. */
  folders(name: string): string[] {
    return this.#trees.map(({ folder }) => join(folder, name))
  }

  /** Puts a process in groups of its own. */
  async confine(name: string, pid: number, limits: ResourceLimits): Promise<void> {
    for (const tree of this.#trees) {
      const group = await makeGroup(this.#os.files, tree, name, limits)
      await overwrite(this.#os.files, join(group, 'cgroup.procs'), `${pid}`)
    }
  }

  /** Ends what is left in groups, which is what a QEMU has started that its guest has taken over, and removes the groups. */
  async remove(groups: readonly string[]): Promise<void> {
    for (const group of groups) {
      try {
        await this.#removeOne(group)
      } catch (error) {
        if (errorCode(error) !== 'ENOENT')
          this.#log?.('warn', 'a control group cannot be removed', { group, error: errorText(error) })
      }
    }
  }

  /** A killed process stays in its group until the kernel has taken it apart. */
  async #removeOne(group: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#os.files.removeFolder(group)
      } catch (error) {
        if (errorCode(error) !== 'EBUSY' || attempt === removal.attempts) throw error
        await this.#kill(group)
        await this.#os.clock.sleep(removal.pauseMs)
      }
    }
  }

  async #kill(group: string): Promise<void> {
    const { files, processes } = this.#os
    const members = utf8Text(await files.read(join(group, 'cgroup.procs'), largestProcFile)) ?? ''
    for (const [pid] of members.matchAll(/\d+/g)) {
      const identity = await processes.identify(Number(pid))
      if (!identity) continue
      this.#log?.('warn', 'a process is ended that a QEMU has left behind', { group, pid: identity.pid })
      await processes.signal(identity, 'SIGKILL')
    }
  }
}

async function findTrees(os: Os, mount: string, log: DriverEnvironment['log']): Promise<Tree[]> {
  const own = await ownGroups(os.files)
  const isUnified = (await os.files.stat(join(mount, 'cgroup.controllers'))) !== undefined
  const candidates: Tree[] = isUnified
    ? [{ folder: join(mount, own.get('') ?? '/'), controllers: unified }]
    : separate.map((one) => ({ folder: join(mount, one.name, own.get(one.name) ?? '/'), controllers: [one] }))
  const trees: Tree[] = []
  for (const { folder, controllers } of candidates) {
    try {
      if (isUnified) await delegate(os.files, folder)
      const ours = join(folder, 'cloister-qemu')
      await os.files.makeFolder(ours, 0o755)
      if (isUnified) await overwrite(os.files, join(ours, 'cgroup.subtree_control'), enableAll)
      const tree = { folder: ours, controllers }
      await tryLimits(os.files, tree)
      trees.push(tree)
    } catch (error) {
      log?.('info', 'no control group can be made', { folder, error: errorText(error) })
    }
  }
  return trees
}

/** A group with limits, in which there is no process yet; returns its folder. */
async function makeGroup(
  files: Files,
  { folder, controllers }: Tree,
  name: string,
  limits: ResourceLimits,
): Promise<string> {
  const group = join(folder, name)
  await files.makeFolder(group, 0o755)
  for (const [file, content] of controllers.flatMap((one) => one.files(limits)))
    await overwrite(files, join(group, file), content)
  return group
}

/** Not every kernel has every limit: what does not work here need not be tried at each start. */
async function tryLimits(files: Files, tree: Tree): Promise<void> {
  const limits = { memory: 2 ** 30, tasks: 1000, processors: 1 }
  await files.removeFolder(await makeGroup(files, tree, `trial-${process.pid}`, limits))
}

const enableAll = unified.map(({ name }) => `+${name}`).join(' ')

/** Version 2 gives controllers to groups only when no process stands beside them: we move to a group of our own. */
async function delegate(files: Files, folder: string): Promise<void> {
  const control = join(folder, 'cgroup.subtree_control')
  try {
    await overwrite(files, control, enableAll)
  } catch (error) {
    if (errorCode(error) !== 'EBUSY') throw error
    const ours = join(folder, 'cloister-daemon')
    await files.makeFolder(ours, 0o755)
    await overwrite(files, join(ours, 'cgroup.procs'), '0')
    await overwrite(files, control, enableAll)
  }
}

/** The groups that we are in, by controller; the one of version 2 has the empty name. */
async function ownGroups(files: Files): Promise<Map<string, string>> {
  const text = utf8Text(await files.read('/proc/self/cgroup', largestProcFile)) ?? ''
  const memberships = text.matchAll(/^\d+:([^:\n]*):(\/.*)$/gm)
  return new Map(memberships.flatMap(([, names = '', group = '/']) => names.split(',').map((name) => [name, group])))
}

/** A file of the kernel's takes a value with one write; it cannot be replaced. */
async function overwrite(files: Files, path: string, content: string): Promise<void> {
  const file = await files.open(path)
  try {
    await file.write(utf8(content), 0n)
  } finally {
    await file.close()
  }
}

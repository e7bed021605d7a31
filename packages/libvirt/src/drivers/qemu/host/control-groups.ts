import { join } from 'node:path'
import { errorText, utf8, utf8Text } from '@cloister/kit'
import { errorCode, type Files, type Os } from '@cloister/os'
import type { DriverEnvironment } from '../../driver-environment.ts'
import { type Confinement, type GuestIdentity, groupMount, type ResourceLimits, removeGroups } from './confinement.ts'

/** A controller: its name, and the content of the files that set its limits. */
interface Controller {
  readonly name: string
  readonly files: (limits: ResourceLimits) => readonly (readonly [file: string, content: string])[]
}

/** The period over which the use of processors is limited, microseconds. */
const cpuPeriod = 100_000
const largestProcFile = 64 << 10

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
 * Limits by groups that we make ourselves, in both of the kernel's versions, below the group that we are in. A host on
 * which groups cannot be made is told of once, in the log; guests then run without these limits.
 */
export class ControlGroups implements Confinement {
  readonly #os: Os
  readonly #log: DriverEnvironment['log']
  readonly #trees: readonly Tree[]

  private constructor(os: Os, log: DriverEnvironment['log'], trees: readonly Tree[]) {
    this.#os = os
    this.#log = log
    this.#trees = trees
  }

  /** Finds the controllers for which groups can be made on this host. */
  static async find({ os, log }: DriverEnvironment, mount: string = groupMount): Promise<ControlGroups> {
    const groups = new ControlGroups(os, log, await findTrees(os, mount, log))
    if (groups.#trees.length === 0)
      log?.('warn', 'control groups cannot be used: guests run without limits of memory, processes and processor time')
    return groups
  }

  folders({ uuid: name }: Pick<GuestIdentity, 'uuid'>): string[] {
    return this.#trees.map(({ folder }) => join(folder, name))
  }

  async confine({ uuid: name }: GuestIdentity, pid: number, limits: ResourceLimits): Promise<void> {
    for (const tree of this.#trees) {
      const group = await makeGroup(this.#os.files, tree, name, limits)
      await overwrite(this.#os.files, join(group, 'cgroup.procs'), `${pid}`)
    }
  }

  remove(groups: readonly string[]): Promise<void> {
    return removeGroups(groups, this.#os, this.#log)
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

/** Makes a group and removes it again: a kernel may lack a limit. @throws the system's error */
async function tryLimits(files: Files, tree: Tree): Promise<void> {
  const limits = { memory: 2 ** 30, tasks: 1000, processors: 1 }
  await files.removeFolder(await makeGroup(files, tree, `trial-${process.pid}`, limits))
}

const enableAll = unified.map(({ name }) => `+${name}`).join(' ')

/** Enables controllers below `folder`. Version 2 refuses that while processes are in `folder` itself: we move to a group of our own. */
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

/** Writes a value to a file of the kernel, which takes it with one write; such a file cannot be replaced. */
async function overwrite(files: Files, path: string, content: string): Promise<void> {
  const file = await files.open(path)
  try {
    await file.write(utf8(content), 0n)
  } finally {
    await file.close()
  }
}

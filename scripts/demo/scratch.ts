import { access, lstat, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Processes, ProcessIdentity } from '@cloister/os'

/** Longest parent folder, in bytes: the paths of sockets below it must stay within 107 bytes. */
const longestParent = 22
/** Name of the folder of a demo; the number is that of its process. */
const namePattern = /^cloister-demo-(\d+)-\w+$/

/** The folder that holds all files of one demo. */
export class Scratch implements AsyncDisposable {
  readonly path: string
  readonly #processes: Processes

  private constructor(path: string, processes: Processes) {
    this.path = path
    this.#processes = processes
  }

  static async make(processes: Processes): Promise<Scratch> {
    const parent = tmpdir().length > longestParent ? '/tmp' : tmpdir()
    await removeAbandoned(parent, processes)
    return new Scratch(await mkdtemp(join(parent, `cloister-demo-${process.pid}-`)), processes)
  }

  /** The folder of a demo that was killed before it could remove it. */
  static abandoned(path: string, processes: Processes): Scratch {
    return new Scratch(path, processes)
  }

  /** Ends the processes that have files of the folder open, unmounts what is mounted in it, and removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of await this.#inhabitants()) {
      await this.#processes.signal(one, 'SIGKILL')
      await this.#processes.gone(one)
    }
    for (const mountPoint of await this.#mountPoints()) await this.#processes.run(['umount', mountPoint])
    await rm(this.path, { recursive: true, force: true })
  }

  /** Processes that have files of the folder open. */
  async #inhabitants(): Promise<ProcessIdentity[]> {
    const found: ProcessIdentity[] = []
    for (const pid of (await readdir('/proc')).map(Number).filter((number) => number > 0 && number !== process.pid)) {
      const identity = (await this.#hasOpenFiles(pid)) ? await this.#processes.identify(pid) : undefined
      if (identity) found.push(identity)
    }
    return found
  }

  /** The open files decide: guests inherit their files as descriptors, so that a command line does not name them. */
  async #hasOpenFiles(pid: number): Promise<boolean> {
    const folder = `/proc/${pid}/fd`
    const descriptors = await readdir(folder).catch(() => [])
    const targets = await Promise.all(descriptors.map((name) => readlink(join(folder, name)).catch(() => '')))
    return targets.some((target) => target.startsWith(`${this.path}/`))
  }

  /** Mount points below the folder, the last one mounted first. */
  async #mountPoints(): Promise<string[]> {
    const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '')
    return mounts.filter((point) => point.startsWith(`${this.path}/`)).reverse()
  }
}

/** Removes what demos of this user left that were killed: their folders, and the daemons and guests that still use them. */
async function removeAbandoned(parent: string, processes: Processes): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = namePattern.exec(name)?.[1]
    const path = join(parent, name)
    if (pid === undefined || (await exists(`/proc/${pid}`))) continue
    const { uid } = await lstat(path)
    if (uid === process.getuid?.()) await Scratch.abandoned(path, processes)[Symbol.asyncDispose]()
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

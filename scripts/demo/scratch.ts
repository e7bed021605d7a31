import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Processes, ProcessIdentity } from '@cloister/os'

/** Longest folder for temporary files below which sockets of a demo still have paths that fit (107 bytes). */
const longestParent = 30

/** The folder that holds everything of one demo. */
export class Scratch implements AsyncDisposable {
  readonly path: string
  readonly #processes: Processes

  private constructor(path: string, processes: Processes) {
    this.path = path
    this.#processes = processes
  }

  static async make(processes: Processes): Promise<Scratch> {
    const parent = tmpdir().length > longestParent ? '/tmp' : tmpdir()
    return new Scratch(await mkdtemp(join(parent, 'cloister-demo-')), processes)
  }

  /** Ends the processes that still work in the folder and takes away what is mounted in it, then removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of await this.#inhabitants()) {
      await this.#processes.signal(one, 'SIGKILL')
      await this.#processes.gone(one)
    }
    for (const mountPoint of await this.#mountPoints()) await this.#processes.run(['umount', mountPoint])
    await rm(this.path, { recursive: true, force: true })
  }

  async #inhabitants(): Promise<ProcessIdentity[]> {
    const found: ProcessIdentity[] = []
    for (const pid of (await readdir('/proc')).map(Number).filter((number) => number > 0 && number !== process.pid)) {
      const identity = (await this.#hasOpenFiles(pid)) ? await this.#processes.identify(pid) : undefined
      if (identity) found.push(identity)
    }
    return found
  }

  /** Looks at open files: a command line does not tell, as guests are given their files as descriptors. */
  async #hasOpenFiles(pid: number): Promise<boolean> {
    const folder = `/proc/${pid}/fd`
    const descriptors = await readdir(folder).catch(() => [])
    const targets = await Promise.all(descriptors.map((name) => readlink(join(folder, name)).catch(() => '')))
    return targets.some((target) => target.startsWith(`${this.path}/`))
  }

  /** Last mounted first. */
  async #mountPoints(): Promise<string[]> {
    const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '')
    return mounts.filter((point) => point.startsWith(`${this.path}/`)).reverse()
  }
}

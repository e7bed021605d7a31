import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const launcher = fileURLToPath(new URL('../../bin/cloisterd', import.meta.url))

/** How long the daemon may take to start or to stop, ms. */
const patienceMs = 30_000

export interface CloisterdOptions {
  /** `test:///empty` when not given. */
  readonly hypervisor?: string
  /** The folder of an earlier daemon, whose state the new one takes over. */
  readonly folder?: string
  readonly args?: readonly string[]
}

/** A real daemon, as a process of its own, with all its files in a temporary folder. */
export class Cloisterd {
  readonly folder: string
  readonly #child: ChildProcess

  private constructor(folder: string, child: ChildProcess) {
    this.folder = folder
    this.#child = child
  }

  /** Starts a daemon and waits until it serves. */
  static async start({ hypervisor = 'test:///empty', folder, args = [] }: CloisterdOptions = {}): Promise<Cloisterd> {
    const place = folder ?? (await scratchFolder())
    const log = await open(join(place, 'log'), 'a')
    const command = [...folders(place), '--hypervisor', hypervisor, ...args]
    const child = spawn(launcher, command, { stdio: ['ignore', 'ignore', log.fd] })
    await log.close()
    const daemon = new Cloisterd(place, child)
    await daemon.#ready()
    return daemon
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get socket(): string {
    return join(this.folder, 'r', 'qubesd.sock')
  }

  get internalSocket(): string {
    return join(this.folder, 'r', 'qubesd.internal.sock')
  }

  /** The log of the daemon up to now. */
  log(): Promise<string> {
    return readFile(join(this.folder, 'log'), 'utf8')
  }

  /** Stops the daemon by SIGTERM; resolves with its exit status. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  /** Ends the daemon by SIGKILL. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Stops the daemon and removes its folder. */
  async remove(): Promise<void> {
    await this.#end('SIGTERM')
    await rm(this.folder, { recursive: true, force: true })
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode
    const exited = once(this.#child, 'exit')
    this.#child.kill(signal)
    const late = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs)
    await exited
    clearTimeout(late)
    return this.#child.exitCode
  }

  /** Waits until the daemon logs that it is ready. */
  async #ready(): Promise<void> {
    const until = Date.now() + patienceMs
    const before = await this.#lines()
    while ((await this.#lines()) === before) {
      if (this.#child.exitCode !== null) throw new Error(`cloisterd ended while starting:\n${await this.log()}`)
      if (Date.now() > until) throw new Error(`cloisterd did not start in ${patienceMs} ms:\n${await this.log()}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async #lines(): Promise<number> {
    try {
      return (await this.log()).split('"message":"ready"').length
    } catch {
      return 1
    }
  }
}

/** A temporary folder with one kernel, whose files are empty. Its path is short, as those of sockets are limited to 107 bytes. */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cl-'))
  const kernel = join(folder, 'k', '6.1.0-test')
  await mkdir(kernel, { recursive: true })
  await writeFile(join(kernel, 'vmlinuz'), '')
  return folder
}

function folders(place: string): string[] {
  return ['--state', join(place, 's'), '--run', join(place, 'r'), '--kernels', join(place, 'k')]
}

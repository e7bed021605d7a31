import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { vmList } from '@cloister/admin-protocol'
import { AdminClient } from '@cloister/client'
import { UnixTransport } from '@cloister/client/node'

const program = fileURLToPath(new URL('../../bin/cloisterd', import.meta.url))
const kernels = fileURLToPath(new URL('../../.cache/guest', import.meta.url))
const pollMs = 20
const killMs = 5_000
const stopMs = 10_000
const logShown = 4000

/** A daemon with all its files below one folder. */
export class DemoDaemon implements AsyncDisposable {
  readonly #child: ChildProcess
  /** A client that calls as the admin domain. */
  readonly client: AdminClient

  private constructor(child: ChildProcess, socket: string) {
    this.#child = child
    this.client = new AdminClient(new UnixTransport(socket))
  }

  /** Starts a daemon; resolves when it serves calls. @throws Error with the end of the daemon's log when it does not start */
  static async start(folder: string, signal: AbortSignal): Promise<DemoDaemon> {
    const run = join(folder, 'run')
    const socket = join(run, 'qubesd.sock')
    const logPath = join(folder, 'cloisterd.log')
    const log = await open(logPath, 'a', 0o600)
    const hypervisor = `qemu:///embed?root=${encodeURIComponent(join(folder, 'qemu'))}`
    const args = ['--state', join(folder, 'state'), '--run', run, '--kernels', kernels, '--hypervisor', hypervisor]
    // In a session of its own, so that Ctrl-C reaches the demo alone, which then stops guests and daemon in order.
    const child = spawn(program, args, { detached: true, stdio: ['ignore', log.fd, log.fd] })
    await log.close()
    const daemon = new DemoDaemon(child, socket)
    try {
      await daemon.#listening(socket, signal)
      return daemon
    } catch (cause) {
      await daemon[Symbol.asyncDispose]()
      throw new Error(`cloisterd did not start:\n${(await readFile(logPath, 'utf8')).slice(-logShown)}`, { cause })
    }
  }

  /** Ends the guests, which would outlive the daemon, and stops the daemon. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return
    await this.#killGuests()
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopMs)
    await ended
    clearTimeout(timer)
  }

  /** Ends the guests through the daemon. When it does not answer, they are ended when the folder is removed. */
  async #killGuests(): Promise<void> {
    const signal = AbortSignal.timeout(killMs)
    try {
      const running = (await this.client.call(vmList, { signal })).filter(
        ({ klass, state }) => klass !== 'AdminVM' && state !== 'Halted',
      )
      await Promise.allSettled(running.map(({ name }) => this.client.domain(name).kill({ signal })))
    } catch {
      // The guests are ended when the folder is removed.
    }
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined
  }

  async #listening(socket: string, signal: AbortSignal): Promise<void> {
    while (!(await answers(socket))) {
      if (this.#hasEnded) throw new Error('the daemon ended')
      await delay(pollMs, undefined, { signal })
    }
  }
}

async function answers(path: string): Promise<boolean> {
  const socket = createConnection(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

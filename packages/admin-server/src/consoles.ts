import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { QubesVM } from '@cloister/core'
import { errorText, type Log, msg, QubesException, visibleText } from '@cloister/kit'
import type { Os } from '@cloister/os'
import { ListenErrors } from './listen-errors.ts'

interface OpenConsole {
  readonly path: string
  readonly server: Server
}

/**
 * Makes the consoles of running domains reachable as unix sockets, for every hypervisor alike. A console has one user at a time;
 * what the guest prints while no client is connected is in the log of the console.
 */
export class Consoles {
  readonly #os: Os
  readonly #log: Log
  readonly #folder: string
  readonly #open = new Map<QubesVM, Promise<OpenConsole>>()

  /** `folder` is where the sockets are made; other users must not be able to write to it. */
  constructor(os: Os, log: Log, folder: string) {
    this.#os = os
    this.#log = log
    this.#folder = folder
  }

  /**
   * The socket that leads to the console of a running domain, until the domain stops.
   * @throws QubesException when the socket cannot be made; the next call tries again
   */
  async path(vm: QubesVM): Promise<string> {
    return (await (this.#open.get(vm) ?? this.#begin(vm))).path
  }

  /** Closes all consoles. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#open.keys(), (vm) => this.#close(vm)))
  }

  #begin(vm: QubesVM): Promise<OpenConsole> {
    const open = this.#listen(vm)
    this.#open.set(vm, open)
    const forget = (): void => {
      if (this.#open.get(vm) === open) void this.#close(vm)
    }
    open.catch(forget)
    vm.run?.ended.then(forget, forget)
    return open
  }

  async #listen(vm: QubesVM): Promise<OpenConsole> {
    const path = join(this.#folder, `${vm.name}.console`)
    const server = createServer((socket) => void connect(socket, vm))
    try {
      if (await this.#os.files.stat(path)) await this.#os.files.unlink(path)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      server.once('error', reject).listen(path, resolve)
      await promise
      await this.#os.files.setMode(path, 0o600)
    } catch (cause) {
      server.close()
      throw new QubesException(msg`Cannot make the socket ${path} for the console of ${vm.name}`, { cause })
    }
    const errors = new ListenErrors(this.#os.clock, this.#log, path)
    server.on('error', (error) => errors.note(error))
    return { path, server }
  }

  async #close(vm: QubesVM): Promise<void> {
    const open = this.#open.get(vm)
    this.#open.delete(vm)
    // A socket that could not be made needs no closing; the caller of `path` has the reason.
    const made = await open?.catch(() => undefined)
    made?.server.close()
  }
}

/** Joins a client and the console of a guest until one of them ends. */
async function connect(socket: Socket, vm: QubesVM): Promise<void> {
  socket.on('error', () => socket.destroy())
  try {
    const console = await vm.run?.domain.openConsole()
    if (!console) return
    socket.on('close', () => console.close())
    socket.on('data', (bytes: Uint8Array) => {
      socket.pause()
      console.write(bytes).then(
        () => socket.resume(),
        () => socket.destroy(),
      )
    })
    for await (const bytes of console.output) {
      if (!socket.write(bytes)) await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve))
      if (socket.destroyed) break
    }
  } catch (error) {
    socket.write(`${visibleText(errorText(error))}\n`)
  } finally {
    socket.end()
  }
}

import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { QubesVM } from '@cloister/core'
import { msg, QubesException } from '@cloister/kit'
import type { Os } from '@cloister/os'

interface OpenConsole {
  readonly path: string
  readonly server: Server
}

/**
 * Makes the consoles of running domains reachable as unix sockets, whatever hypervisor they run on. A console has one user at a
 * time; what it prints while nobody is there is in its log.
 */
export class Consoles {
  readonly #os: Os
  readonly #folder: string
  readonly #open = new Map<QubesVM, Promise<OpenConsole>>()

  /** `folder` is where the sockets are made; it must be closed to others. */
  constructor(os: Os, folder: string) {
    this.#os = os
    this.#folder = folder
  }

  /** The socket that leads to the console of a running domain, until the domain stops. */
  async path(vm: QubesVM): Promise<string> {
    let open = this.#open.get(vm)
    if (!open) {
      open = this.#listen(vm)
      this.#open.set(vm, open)
      vm.run?.ended.finally(() => this.#close(vm)).catch(() => {})
    }
    return (await open).path
  }

  /** Closes all consoles. */
  async close(): Promise<void> {
    for (const vm of [...this.#open.keys()]) await this.#close(vm)
  }

  async #listen(vm: QubesVM): Promise<OpenConsole> {
    const path = join(this.#folder, `${vm.name}.console`)
    if (await this.#os.files.stat(path)) await this.#os.files.unlink(path)
    const server = createServer((socket) => void connect(socket, vm))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject).listen(path, resolve)
    try {
      await promise
    } catch (cause) {
      throw new QubesException(msg`Cannot make the socket ${path} for the console of ${vm.name}`, { cause })
    }
    await this.#os.files.setMode(path, 0o600)
    return { path, server }
  }

  async #close(vm: QubesVM): Promise<void> {
    const open = this.#open.get(vm)
    this.#open.delete(vm)
    ;(await open)?.server.close()
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
    socket.write(`${error instanceof Error ? error.message : String(error)}\n`)
  } finally {
    socket.end()
  }
}

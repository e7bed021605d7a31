import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RequestReader } from '@cloister/admin-protocol'
import { utf8 } from '@cloister/kit'

/** Bytes to answer with; undefined for no answer, and no end either. */
export type Answer = (method: string) => string | undefined

/** A daemon that answers as no real one does: late, wrongly, or with what should never be shown. */
export class FakeDaemon implements AsyncDisposable {
  readonly socket: string
  readonly #folder: string
  readonly #server: Server
  readonly #open: Set<Socket> = new Set()

  private constructor(folder: string, answer: Answer) {
    this.#folder = folder
    this.socket = join(folder, 'qubesd.sock')
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#open.add(socket)
      socket.on('close', () => this.#open.delete(socket)).on('error', () => undefined)
      void this.#serve(socket, answer)
    })
  }

  static async start(answer: Answer): Promise<FakeDaemon> {
    const daemon = new FakeDaemon(await mkdtemp(join(tmpdir(), 'fake-')), answer)
    await new Promise<void>((resolve) => daemon.#server.listen(daemon.socket, resolve))
    return daemon
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
    await rm(this.#folder, { recursive: true })
  }

  async #serve(socket: Socket, answer: Answer): Promise<void> {
    const reader = new RequestReader()
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) reader.push(chunk)
    const reply = answer(reader.finish().header.method)
    if (reply !== undefined) socket.end(utf8(reply))
  }
}

import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RequestReader } from '@cloister/admin-protocol'
import { utf8, utf8Text } from '@cloister/kit'

/** What the daemon is asked. */
export interface FakeCall {
  readonly argument: string
  /** Name of the domain that the call is about. */
  readonly destination: string
}

/** The text of the reply; undefined for a call that is never answered. */
export type Answer = (method: string, call: FakeCall) => string | undefined

/** A daemon that gives answers which a real one cannot be made to give: late, wrong, hostile. */
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
    // The command looks whether a daemon is there by a connection without a request, and a command that is ended leaves half of one.
    if (reader.header === undefined) return void socket.end()
    const { method, argument, destination } = reader.finish().header
    const reply = answer(method, {
      argument: argument.parse(utf8Text) ?? '',
      destination: destination.parse((name) => name.replace(/^name /, '')),
    })
    if (reply !== undefined) socket.end(utf8(reply))
  }
}

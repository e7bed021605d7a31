import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RequestReader } from '@cloister/admin-protocol'
import { utf8Text } from '@cloister/kit'

/** Serves one connection. */
export type Connection = (socket: Socket) => Promise<void> | void

/** A request as text. */
export interface SeenRequest {
  readonly call: string
  readonly payload: string
}

/** A unix socket in a folder of its own, served in this process. */
export class TestServer {
  readonly path: string
  readonly #folder: string
  readonly #server: Server
  readonly #sockets: Set<Socket> = new Set()

  private constructor(folder: string, answer: Connection) {
    this.#folder = folder
    this.path = join(folder, 'qubesd.sock')
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined)
      void Promise.resolve(answer(socket)).catch(() => socket.destroy())
    })
  }

  static async start(answer: Connection): Promise<TestServer> {
    const server = new TestServer(await mkdtemp(join(tmpdir(), 'client-')), answer)
    await new Promise<void>((resolve) => server.#server.listen(server.path, resolve))
    return server
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
    await rm(this.#folder, { recursive: true })
  }
}

/** Reads whole requests and answers with what `answer` makes of them. */
export function wholeRequests(answer: (request: SeenRequest) => Uint8Array | Promise<Uint8Array>): Connection {
  return async (socket) => {
    const reader = new RequestReader()
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) reader.push(chunk)
    const { header, payload } = reader.finish()
    const names = [header.source, header.destination].map((name) => name.parse((text) => text))
    const call = `${header.method}+${header.argument.parse(utf8Text)} ${names.join(' ')}`
    socket.end(await answer({ call, payload: payload.parse(utf8Text) ?? '' }))
  }
}

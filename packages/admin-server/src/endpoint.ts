import { createServer, connect as dial, type Server } from 'node:net'
import { type Log, msg, QubesException } from '@cloister/kit'
import { errorCode, type Os } from '@cloister/os'
import type { CallServer } from './call-server.ts'
import { Connection } from './connection.ts'
import { ListenErrors } from './listen-errors.ts'
import type { RunningCalls } from './running-calls.ts'
import { Sweeper } from './sweeper.ts'

export interface EndpointOptions {
  readonly path: string
  /** Mode of the socket: which users may connect. */
  readonly mode: number
  /** Group of the socket; that of the process when not given. */
  readonly gid?: number
}

/** What an endpoint is built from. */
export interface EndpointContext {
  readonly os: Os
  readonly log: Log
  readonly server: CallServer
  readonly running: RunningCalls
}

/** Connections at a time; more are closed at once. */
const mostConnections = 4096
const backlog = 1024

/** A unix socket on which the Admin API is served. */
export class Endpoint {
  readonly #server: Server
  readonly #connections: Sweeper<Connection>

  private constructor(server: Server, connections: Sweeper<Connection>) {
    this.#server = server
    this.#connections = connections
  }

  /** Listens; a socket that a dead daemon left is replaced. @throws QubesException when a daemon listens there */
  static async open({ path, mode, gid }: EndpointOptions, context: EndpointContext): Promise<Endpoint> {
    const { files, clock, host } = context.os
    await refuseWhileServed(path)
    if (await files.stat(path)) await files.unlink(path)
    const connections = new Sweeper<Connection>(clock, (connection, now) => connection.sweep(now))
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = new Connection(socket, { ...context, clock })
      connections.add(connection)
      socket.on('close', () => connections.delete(connection))
    })
    server.maxConnections = mostConnections
    await listen(server, path)
    const errors = new ListenErrors(clock, context.log, path)
    server.on('error', (error) => errors.note(error))
    if (gid !== undefined) await files.setOwner(path, host.uid, gid)
    await files.setMode(path, mode)
    return new Endpoint(server, connections)
  }

  /** Takes no more connections; calls that are under way are answered. */
  stopListening(): void {
    this.#server.close()
    for (const connection of this.#connections) connection.closeUnlessAnswering()
  }

  /** Ends all connections that are left. */
  close(): void {
    this.stopListening()
    for (const connection of this.#connections) connection.close()
  }
}

function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject).listen({ path, backlog }, () => {
    server.off('error', reject)
    resolve()
  })
  return promise
}

/** @throws QubesException when a daemon answers on the socket, or the socket cannot be used */
async function refuseWhileServed(path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = dial(path, () => reject(new QubesException(msg`Another daemon serves ${path}`)))
  socket.on('error', (error) => {
    const code = errorCode(error)
    if (code === 'ENOENT' || code === 'ECONNREFUSED') resolve()
    else reject(new QubesException(msg`Cannot use the socket ${path}`, { cause: error }))
  })
  try {
    await promise
  } finally {
    socket.destroy()
  }
}

import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import {
  adminDomainName,
  type DomainReference,
  encodeRequestHeader,
  parseDomainReference,
} from '@cloister/admin-protocol'
import { msg } from '@cloister/kit'
import { DaemonUnreachableError } from '../errors.ts'
import type { Payload, Transport, TransportRequest } from '../transport.ts'

/** Errors of a connection that the other end closed early. */
const closedCodes: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET'])

const deniedCodes: ReadonlySet<string> = new Set(['EACCES', 'EPERM'])

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function unreachable(path: string, cause: unknown): DaemonUnreachableError {
  const text = deniedCodes.has(codeOf(cause))
    ? msg`cannot use the socket ${path}: this user has no permission for it`
    : msg`cannot reach cloisterd at ${path}: is it running?`
  return new DaemonUnreachableError(text, { cause })
}

/** A daemon that refuses reads what it is sent and ends its reply; a connection breaks when the daemon ends. */
function broken(path: string, cause: unknown): DaemonUnreachableError {
  const text = msg`the connection to cloisterd at ${path} broke before an answer came: cloisterd may have ended`
  return new DaemonUnreachableError(text, { cause })
}

async function connect(path: string, signal: AbortSignal | undefined): Promise<Socket> {
  const socket = createConnection({ path, allowHalfOpen: true })
  try {
    await once(socket, 'connect', signal === undefined ? {} : { signal })
  } catch (error) {
    socket.destroy()
    signal?.throwIfAborted()
    throw unreachable(path, error)
  }
  // The iteration over the reply throws the error; an error after the iteration has no consequence.
  socket.on('error', () => undefined)
  return socket
}

async function* chunksOf(payload: Payload): AsyncGenerator<Uint8Array> {
  if (payload instanceof Uint8Array) yield payload
  else yield* payload
}

/** Resolves when the socket takes more data, or is closed. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
  })
}

/** Sends a whole request, as fast as the daemon reads it, and half-closes. Stops when the daemon has closed. */
async function send(socket: Socket, header: Uint8Array, payload: Payload): Promise<void> {
  socket.write(header)
  for await (const chunk of chunksOf(payload)) {
    if (!socket.writable) return
    if (chunk.length > 0 && !socket.write(chunk)) await drained(socket)
  }
  if (socket.writable) socket.end()
}

/** Talks to a daemon through its unix socket, one connection a call. */
export class UnixTransport implements Transport {
  readonly #path: string
  readonly #source: DomainReference

  /** `source` is the domain that asks; only trusted sockets believe a source other than the admin domain. */
  constructor(path: string, options: { readonly source?: string } = {}) {
    this.#path = path
    this.#source = parseDomainReference(options.source ?? adminDomainName)
  }

  async *exchange(request: TransportRequest, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    signal?.throwIfAborted()
    const destination = parseDomainReference(request.destination)
    const header = encodeRequestHeader({ ...request, source: this.#source, destination })
    const socket = await connect(this.#path, signal)
    const abort = (): void => void socket.destroy()
    signal?.addEventListener('abort', abort)
    let payloadError: unknown
    const failPayload = (error: unknown): void => {
      payloadError = error
      socket.destroy()
    }
    void send(socket, header, request.payload).catch(failPayload)
    let isAnswered = false
    try {
      for await (const chunk of socket) {
        isAnswered = true
        yield chunk as Uint8Array
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (payloadError !== undefined) throw payloadError
      if (!closedCodes.has(codeOf(error))) throw error
      // What came before counts as the answer (reference: admin-api, 1.2 rule 6).
      if (!isAnswered) throw broken(this.#path, error)
    } finally {
      signal?.removeEventListener('abort', abort)
      socket.destroy()
    }
  }
}

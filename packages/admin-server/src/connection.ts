import type { Socket } from 'node:net'
import { findCall, type QubesEvent, type RequestHeader, RequestReader } from '@cloister/admin-protocol'
import { msg, QubesException, Untrusted } from '@cloister/kit'
import type { Clock } from '@cloister/os'
import type { CallServer, Reply, Request } from './call-server.ts'
import { encodedEvent } from './encoded-event.ts'
import { RequestBody } from './request-body.ts'
import type { RunningCalls } from './running-calls.ts'

/** What connections of an endpoint share. */
export interface ConnectionContext {
  readonly server: CallServer
  readonly running: RunningCalls
  readonly clock: Clock
}

/**
 * How long is waited for a client, ms: for a request that is not streamed to be complete, for the next data of a streamed
 * one, and for a client that has its reply to half-close or to send more. Nothing limits the time of the call itself.
 */
export const connectionLimits = { arrival: 30_000, progress: 60_000, leaving: 10_000 } as const
/** Bytes that may wait for a subscriber that does not read. */
const subscriberLimit = 16 << 20
/** Bytes that are read and dropped after a reply, so that a client that is still writing gets to read the reply. */
const droppedLimit = 64 << 20

const noBytes = new Uint8Array()

async function* noBody(): AsyncGenerator<Uint8Array> {}

/**
 * - `arriving`: a request that is not streamed, up to the half-close of the client;
 * - `streaming`: the call runs while its data come;
 * - `answering`: the request is complete, the call runs;
 * - `subscribed`: the call sends messages until the client has gone;
 * - `leaving`: the reply is on its way; what the client still sends is dropped.
 */
type Phase = 'arriving' | 'streaming' | 'answering' | 'subscribed' | 'leaving'

/**
 * One request and its reply. The request ends where the client half-closes; a client that closes altogether before the daemon
 * has seen that has broken off, and its request is dropped. A client that closes later does not stop its call, unless the
 * reply is a stream (reference: admin-api, 1.2).
 *
 * A unix socket has no reset: a client to which half of a reply was sent would read the close as the end of the reply. So a
 * reply waits without a time limit for a client that is slow to read it; it ends when the client closes, or with the daemon.
 */
export class Connection {
  readonly #socket: Socket
  readonly #context: ConnectionContext
  readonly #reader = new RequestReader()
  readonly #gone = new AbortController()
  #body: RequestBody | undefined
  #phase: Phase = 'arriving'
  /** When the wait began that the phase limits. */
  #since: number
  #dropped = 0

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket
    this.#context = context
    this.#since = context.clock.monotonic()
    // After an error the socket closes by itself.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#onClose())
    socket.on('data', (chunk: Uint8Array) => this.#onData(chunk))
    socket.on('end', () => this.#onEnd())
  }

  /** Ends waits that take too long, and notices subscribers that have gone. */
  sweep(now: number): void {
    const age = now - this.#since
    if (this.#phase === 'arriving' && age > connectionLimits.arrival) this.close()
    if (this.#phase === 'streaming' && this.#body?.isWaiting && age > connectionLimits.progress) {
      this.#body.fail(new QubesException(msg`The client sent no data for ${connectionLimits.progress / 1000} s`))
    }
    if (this.#phase === 'subscribed') this.#isClosedByClient()
    if (this.#phase === 'leaving' && this.#socket.writableFinished && age > connectionLimits.leaving) this.close()
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Closes a connection whose call has not begun, or would never end. */
  closeUnlessAnswering(): void {
    if (this.#phase === 'arriving' || this.#phase === 'subscribed') this.close()
  }

  #onClose(): void {
    this.#gone.abort()
    this.#body?.fail(new QubesException(msg`The client went away before the end of its data`))
  }

  #onData(chunk: Uint8Array): void {
    if (this.#phase === 'arriving') this.#arrive(chunk)
    else if (this.#phase === 'leaving') this.#drop(chunk)
    else this.#body?.push(chunk)
  }

  #arrive(chunk: Uint8Array): void {
    try {
      this.#reader.push(chunk)
    } catch {
      // Too long, or not a request.
      this.#leave(noBytes)
      return
    }
    const { header } = this.#reader
    if (header && findCall(header.method)?.row.stream === 'payload') this.#beginStream(header)
  }

  #beginStream(header: RequestHeader): void {
    this.#phase = 'streaming'
    this.#body = new RequestBody(this.#socket, () => {
      this.#since = this.#context.clock.monotonic()
    })
    this.#body.push(this.#reader.take().parse((bytes) => bytes))
    this.#answer({ header, payload: new Untrusted(noBytes) })
  }

  #drop(chunk: Uint8Array): void {
    this.#since = this.#context.clock.monotonic()
    this.#dropped += chunk.length
    if (this.#dropped > droppedLimit) this.close()
  }

  #onEnd(): void {
    if (this.#phase !== 'arriving' && this.#phase !== 'streaming') return
    // The socket closes by itself, for the error.
    if (this.#isClosedByClient()) return
    if (this.#phase === 'streaming') {
      this.#phase = 'answering'
      this.#body?.complete()
      return
    }
    let request: Request
    try {
      request = this.#reader.finish()
    } catch {
      // Not a request.
      this.#leave(noBytes)
      return
    }
    this.#phase = 'answering'
    this.#answer(request)
  }

  /**
   * Whether the client has closed its socket, not only its half. A half-close leaves the other half open to be written to; after
   * a close, also that of a client that was killed, a write of no bytes fails with EPIPE, which Node notes at once.
   */
  #isClosedByClient(): boolean {
    this.#socket.write(noBytes)
    return this.#socket.errored !== null
  }

  #answer(request: Request): void {
    const reply = this.#context.server.answer(request, {
      body: this.#body ?? noBody(),
      send: (event) => this.#send(event),
      signal: this.#gone.signal,
    })
    if (reply instanceof Promise) void reply.then((bytes) => this.#leave(bytes))
    else this.#leave(reply)
  }

  #leave(reply: Reply): void {
    if (this.#phase === 'subscribed') {
      this.close()
      return
    }
    this.#phase = 'leaving'
    const delivered = (): void => {
      this.#since = this.#context.clock.monotonic()
    }
    if (reply.length > 0) this.#socket.end(reply, delivered)
    else this.#socket.end(delivered)
    this.#socket.resume()
    if (this.#socket.writableLength > 0) this.#context.running.follow(this.#written())
  }

  /** Resolves when the reply is in the hands of the kernel, or the connection is closed. */
  #written(): Promise<void> {
    return new Promise((resolve) => this.#socket.once('finish', resolve).once('close', () => resolve()))
  }

  #send(event: QubesEvent): void {
    if (this.#phase !== 'leaving') this.#phase = 'subscribed'
    if (this.#socket.writableLength > subscriberLimit) this.close()
    else if (!this.#socket.destroyed) this.#socket.write(encodedEvent(event))
  }
}

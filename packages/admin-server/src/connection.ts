import type { Socket } from 'node:net'
import {
  encodeException,
  encodeOk,
  findCall,
  nothing,
  type QubesEvent,
  type RequestHeader,
  RequestReader,
  takeFirstLine,
} from '@cloister/admin-protocol'
import type { App } from '@cloister/core'
import { msg, QubesException, Untrusted } from '@cloister/kit'
import type { Audit } from './audit.ts'
import type { Consoles } from './consoles.ts'
import { type CheckedCall, checkCall, type Request, runCall } from './dispatch.ts'
import { encodedEvent } from './encoded-event.ts'
import type { RunningCalls } from './running-calls.ts'
import type { WireErrors } from './wire-error.ts'

/** What connections of an endpoint share. */
export interface ConnectionContext {
  readonly app: App
  readonly consoles: Consoles
  readonly errors: WireErrors
  readonly audit: Audit
  readonly running: RunningCalls
  /** Which calls the endpoint serves. */
  readonly socket: 'main' | 'internal' | 'misc'
}

/** Time limits, ms: for a request to be complete, for a streamed one to make progress, for a client to go after its reply. */
const limits = { arrival: 30_000, progress: 60_000, leaving: 10_000 } as const
/** Bytes that may wait for a subscriber that does not read. */
const subscriberLimit = 16 << 20

const noBytes = new Uint8Array()

async function* noBody(): AsyncGenerator<Uint8Array> {}

/**
 * One request and its reply. The end of a request is the half-close of the client; what is no request is answered by closing
 * (reference: admin-api, 1.2). A client that goes early does not stop its call, unless the reply is a stream.
 */
export class Connection {
  readonly #socket: Socket
  readonly #context: ConnectionContext
  readonly #reader = new RequestReader()
  readonly #gone = new AbortController()
  #phase: 'arriving' | 'streaming' | 'answering' | 'subscribed' | 'leaving' = 'arriving'
  #since: number

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket
    this.#context = context
    this.#since = context.app.os.clock.monotonic()
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#gone.abort())
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
  }

  /** Closes what takes too long, and notices subscribers that have gone. */
  sweep(now: number): void {
    const age = now - this.#since
    if (this.#phase === 'arriving' && age > limits.arrival) this.close()
    if (this.#phase === 'leaving' && age > limits.leaving) this.close()
    // A write of nothing fails when the other end is closed: after its half-close there is no other way to learn that.
    if (this.#phase === 'subscribed') this.#socket.write(noBytes)
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Closes a connection whose call has not begun, or would never end. */
  closeUnlessAnswering(): void {
    if (this.#phase === 'arriving' || this.#phase === 'subscribed') this.close()
  }

  readonly #onData = (chunk: Uint8Array): void => {
    try {
      this.#reader.push(chunk)
    } catch {
      this.close()
      return
    }
    const { header } = this.#reader
    if (header && findCall(header.method)?.row.stream === 'payload') void this.#beginStream(header)
  }

  readonly #onEnd = (): void => {
    let request: Request
    try {
      request = this.#reader.finish()
    } catch {
      // Not a request: closed without a reply.
      this.#socket.end()
      return
    }
    this.#answer(request, noBody())
  }

  /** The payload is data without end: its consumer decides how fast they come. */
  async #beginStream(header: RequestHeader): Promise<void> {
    const socket = this.#socket
    this.#phase = 'streaming'
    socket.off('data', this.#onData).off('end', this.#onEnd).pause()
    socket.setTimeout(limits.progress, () => socket.destroy())
    const body = this.#body()
    const wantsLine = findCall(header.method)?.dialect.payload !== nothing
    try {
      const { line, rest } = wantsLine ? await takeFirstLine(body) : { line: new Untrusted(noBytes), rest: body }
      this.#answer({ header, payload: line }, rest)
    } catch (error) {
      this.#refuse(error, header.method)
    }
  }

  async *#body(): AsyncGenerator<Uint8Array> {
    const first = this.#reader.take().parse((bytes) => bytes)
    if (first.length > 0) yield first
    for await (const chunk of this.#socket.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array
    await this.#refuseIfGone()
  }

  /** A client that half-closes has sent all; one that is gone altogether broke off. A write of nothing tells them apart. */
  #refuseIfGone(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(noBytes, (cause) => {
        if (cause) reject(new QubesException(msg`The client went away before the end of its data`, { cause }))
        else resolve()
      })
    })
  }

  #answer(request: Request, body: AsyncIterable<Uint8Array>): void {
    const { app, consoles, socket } = this.#context
    let call: CheckedCall | undefined
    try {
      call = checkCall(app, socket, request)
      const checked = call
      this.#phase = checked.found.row.stream === 'reply' ? 'subscribed' : 'answering'
      const around = { app, consoles, body, send: (event: QubesEvent) => this.#send(event), signal: this.#gone.signal }
      const result = runCall(checked, request, around)
      if (result instanceof Promise) this.#follow(request, checked, result)
      else this.#succeed(request, checked, result)
    } catch (error) {
      this.#fail(request, call, error)
    }
  }

  #follow(request: Request, checked: CheckedCall, result: Promise<unknown>): void {
    if (this.#phase !== 'subscribed') this.#context.running.follow(result)
    result
      .then((value) => this.#succeed(request, checked, value))
      .catch((error: unknown) => this.#fail(request, checked, error))
  }

  #succeed(request: Request, { found, source, destination }: CheckedCall, result: unknown): void {
    this.#context.audit.succeeded({ found, source, destination, argument: request.header.argument })
    if (this.#phase === 'subscribed') this.close()
    else this.#leave(encodeOk(found.dialect.reply.encode(result)))
  }

  #fail(request: Request, call: CheckedCall | undefined, error: unknown): void {
    this.#context.audit.refused({ ...call, method: request.header.method, argument: request.header.argument }, error)
    this.#refuse(error, request.header.method)
  }

  #refuse(error: unknown, method: string): void {
    const dialect = findCall(method)?.dialectName ?? 'admin'
    this.#leave(encodeException(this.#context.errors.toWire(error, method), dialect))
  }

  /** Sends the reply; what the client still sends is read and forgotten, so that it gets to read the reply. */
  #leave(reply: Uint8Array): void {
    this.#phase = 'leaving'
    this.#since = this.#context.app.os.clock.monotonic()
    this.#socket.end(reply)
    this.#socket.resume()
  }

  #send(event: QubesEvent): void {
    if (this.#socket.writableLength > subscriberLimit) this.close()
    else if (!this.#socket.destroyed) this.#socket.write(encodedEvent(event))
  }
}

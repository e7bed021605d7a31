import { msg, Untrusted } from '@cloister/kit'
import { ByteCollector } from './byte-collector.ts'
import { requestLimit } from './call-row.ts'
import { findCall } from './calls.ts'
import { FramingError } from './errors.ts'
import { parseRequestHeader, type RequestHeader } from './request-header.ts'

/** Longest request for the call that a header names, bytes; infinite when its payload is streamed. */
export function requestLimitOf(header: RequestHeader): number {
  const call = findCall(header.method)
  if (call === undefined) return requestLimit
  return call.row.stream === 'payload' ? Number.POSITIVE_INFINITY : call.row.limit
}

/**
 * Reads one request as its bytes arrive. The header is known as soon as its NUL has arrived, so that a streamed call can start.
 * The payload ends when the client half-closes the connection. A request that is too long is refused at the first byte beyond its limit.
 */
export class RequestReader {
  readonly #limitOf: (header: RequestHeader) => number
  #limit: number = requestLimit
  #received = 0
  readonly #bytes: ByteCollector = new ByteCollector()
  #header: RequestHeader | undefined

  /** `limitOf` says how many bytes the request may have in all, once its header is known. */
  constructor(limitOf: (header: RequestHeader) => number = requestLimitOf) {
    this.#limitOf = limitOf
  }

  /** The header, as soon as it is complete. */
  get header(): RequestHeader | undefined {
    return this.#header
  }

  /**
   * Adds the bytes that arrived next.
   * @throws FramingError after which the connection is to be closed without a reply
   */
  push(chunk: Uint8Array): void {
    this.#received += chunk.length
    const end = this.#header === undefined ? chunk.indexOf(0) : -1
    this.#bytes.push(end < 0 ? chunk : chunk.subarray(0, end))
    if (end >= 0) {
      this.#readHeader()
      this.#bytes.push(chunk.subarray(end + 1))
    }
    if (this.#received > this.#limit) throw new FramingError(msg`the request is longer than ${this.#limit} bytes`)
  }

  #readHeader(): void {
    if (this.#bytes.length >= requestLimit) {
      throw new FramingError(msg`the header is longer than ${requestLimit} bytes`)
    }
    this.#header = parseRequestHeader(this.#bytes.take())
    this.#limit = this.#limitOf(this.#header)
  }

  /** Returns the bytes of a streamed payload that have arrived since the last call. */
  take(): Untrusted<Uint8Array> {
    return new Untrusted(this.#header === undefined ? new Uint8Array() : this.#bytes.take())
  }

  /**
   * Ends the request: the client has half-closed the connection.
   * @throws FramingError when there is no complete header
   */
  finish(): { readonly header: RequestHeader; readonly payload: Untrusted<Uint8Array> } {
    if (this.#header === undefined) throw new FramingError(msg`the request ended before its header did`)
    return { header: this.#header, payload: this.take() }
  }
}

import { msg, Untrusted } from '@cloister/kit'
import { ByteCollector } from './byte-collector.ts'
import { requestLimit } from './call-row.ts'
import { findCall } from './calls.ts'
import { FramingError } from './errors.ts'
import { parseRequestHeader, type RequestHeader } from './request-header.ts'

/** Most bytes that the call of a header may have; a streamed payload has no limit here. */
export function requestLimitOf(header: RequestHeader): number {
  const call = findCall(header.method)
  if (call === undefined) return requestLimit
  return call.row.stream === 'payload' ? Number.POSITIVE_INFINITY : call.row.limit
}

/**
 * Reads one request as its bytes come in. The header is known as soon as its NUL is there, so that a streamed call can
 * start; the payload ends where the client half-closes. What grows too long is refused with the first byte too many.
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
   * Takes in what arrived next.
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

  /** Hands over what has arrived of a streamed payload; it is not kept. */
  take(): Untrusted<Uint8Array> {
    return new Untrusted(this.#header === undefined ? new Uint8Array() : this.#bytes.take())
  }

  /**
   * Ends the request where the client half-closed.
   * @throws FramingError when there is no complete header
   */
  finish(): { readonly header: RequestHeader; readonly payload: Untrusted<Uint8Array> } {
    if (this.#header === undefined) throw new FramingError(msg`the request ended before its header did`)
    return { header: this.#header, payload: this.take() }
  }
}

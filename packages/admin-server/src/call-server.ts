import type { QubesEvent, RequestHeader } from '@cloister/admin-protocol'
import type { Untrusted } from '@cloister/kit'

/** A request as it came over a connection. */
export interface Request {
  readonly header: RequestHeader
  /** Empty when the payload is streamed. */
  readonly payload: Untrusted<Uint8Array>
}

/** What a call can do with the connection that it came over, besides answering. */
export interface Exchange {
  /** The data of a call with a streamed payload; empty for other calls. */
  readonly body: AsyncIterable<Uint8Array>
  /** Sends one message of a call with a streamed reply. */
  readonly send: (event: QubesEvent) => void
  /** Aborted when the connection is closed. */
  readonly signal: AbortSignal
}

/** The reply of a request, as bytes; no bytes are the empty reply, by which policy refuses (reference: admin-api, 2.1). */
export type Reply = Uint8Array

/** Answers requests. An answer never throws or rejects: errors are replies too. */
export interface CallServer {
  answer(request: Request, exchange: Exchange): Reply | Promise<Reply>
}

/** What a call sends after its header: bytes at hand, or a stream that is taken as fast as the daemon takes it. */
export type Payload = Uint8Array | AsyncIterable<Uint8Array>

/** One call as a transport sends it. */
export interface TransportRequest {
  readonly method: string
  readonly argument: Uint8Array
  /** Name of the domain that the call is about, or `uuid:` and a UUID. */
  readonly destination: string
  readonly payload: Payload
}

/** A way to a daemon: one connection a call. */
export interface Transport {
  /**
   * Sends a call and gives the bytes of the reply as they come, until the daemon closes. Nothing is sent before the first
   * byte is asked for. Leaving the iteration gives the call up.
   * @throws DaemonCommunicationError when the daemon cannot be reached, or the reason of `signal` when that aborts
   */
  exchange(request: TransportRequest, signal?: AbortSignal): AsyncIterable<Uint8Array>
}

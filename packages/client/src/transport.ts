/** What a call sends after its header: bytes, or a stream that is read as fast as the daemon reads its socket. */
export type Payload = Uint8Array | AsyncIterable<Uint8Array>

/** One call as a transport sends it. */
export interface TransportRequest {
  readonly method: string
  readonly argument: Uint8Array
  /** Name of the domain that the call is about, or `uuid:` and a UUID. */
  readonly destination: string
  readonly payload: Payload
}

/** Sends calls to a daemon, each over a connection of its own. */
export interface Transport {
  /**
   * Sends a call and yields the bytes of the reply as they come, until the daemon closes the connection. Nothing is sent before
   * the iteration begins. Leaving the iteration closes the connection.
   * @throws DaemonCommunicationError when the daemon cannot be reached, or the reason of `signal` when that aborts
   */
  exchange(request: TransportRequest, signal?: AbortSignal): AsyncIterable<Uint8Array>
}

/** Bytes that are held for a consumer that is busy; more make the source wait. */
const heldLimit = 256 << 10

/** Where the data come from: a socket. */
export interface BodySource {
  pause(): void
  resume(): void
}

/** The data of a streamed request, read from the client as fast as the one consumer asks for them. */
export class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #source: BodySource
  readonly #onWait: () => void
  readonly #held: Uint8Array[] = []
  #heldBytes = 0
  #state: 'open' | 'complete' | 'failed' = 'open'
  #failure: unknown
  #wake: (() => void) | undefined

  /** `onWait` is called each time the consumer begins to wait for the client. */
  constructor(source: BodySource, onWait: () => void) {
    this.#source = source
    this.#onWait = onWait
  }

  /** Whether the consumer waits for data that the client has not sent. */
  get isWaiting(): boolean {
    return this.#wake !== undefined
  }

  /** Takes in data from the client. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#state !== 'open') return
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    if (this.#heldBytes >= heldLimit) this.#source.pause()
    this.#wakeConsumer()
  }

  /** The client has sent everything. */
  complete(): void {
    if (this.#state === 'open') this.#state = 'complete'
    this.#wakeConsumer()
  }

  /** The rest of the data will not come: the consumer gets `failure`, also in place of data that it has not taken. */
  fail(failure: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#failure = failure
    this.#wakeConsumer()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.#state === 'failed') throw this.#failure
      const chunk = this.#held.shift()
      if (chunk) {
        this.#heldBytes -= chunk.length
        yield chunk
      } else if (this.#state === 'complete') return
      else await this.#nextData()
    }
  }

  #nextData(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    this.#onWait()
    this.#source.resume()
    return promise
  }

  #wakeConsumer(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}

import type { ConsoleStream } from '../../driver.ts'
import { LibvirtError } from '../../error.ts'

/** Bytes that may wait for a reader; a writer waits when there are more. */
const capacity = 64 << 10

/** A console that returns everything that is written to it. */
export class EchoConsole implements ConsoleStream {
  readonly output: AsyncIterable<Uint8Array>
  readonly #chunks: Uint8Array[] = []
  #waiting = 0
  #closed = false
  #change = Promise.withResolvers<void>()

  constructor() {
    this.output = this.#read()
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Returns when there is room. @throws LibvirtError OPERATION_INVALID when the console is closed */
  async write(bytes: Uint8Array): Promise<void> {
    while (this.#waiting >= capacity && !this.#closed) await this.#change.promise
    if (this.#closed) throw new LibvirtError('OPERATION_INVALID', 'the console is closed', { domain: 'TEST' })
    this.#chunks.push(bytes.slice())
    this.#waiting += bytes.length
    this.#changed()
  }

  /** The output ends after what has been echoed so far. */
  close(): void {
    this.#closed = true
    this.#changed()
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    while (this.#chunks.length > 0 || !this.#closed) {
      const chunk = this.#chunks.shift()
      if (chunk) {
        this.#waiting -= chunk.length
        this.#changed()
        yield chunk
      } else await this.#change.promise
    }
  }

  #changed(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers<void>()
  }
}

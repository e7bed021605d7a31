import { concatBytes } from '@cloister/kit'

/** A stream whose first bytes are known. */
export interface ImageStream {
  readonly head: Uint8Array
  /** The whole stream, the first bytes included; it can be read once. */
  readonly whole: AsyncIterable<Uint8Array>
  /** Gives up what has not been read. */
  close(): Promise<void>
}

/** Reads the first `length` bytes of a stream, or all of it when it is shorter. */
export async function withHead(stream: AsyncIterable<Uint8Array>, length: number): Promise<ImageStream> {
  const chunks = stream[Symbol.asyncIterator]()
  const parts: Uint8Array[] = []
  let size = 0
  while (size < length) {
    const next = await chunks.next()
    if (next.done) break
    parts.push(next.value)
    size += next.value.length
  }
  const first = concatBytes(parts)
  return {
    head: first.subarray(0, length),
    whole: chain(first, chunks),
    close: async () => {
      await chunks.return?.()
    },
  }
}

async function* chain(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  yield* { [Symbol.asyncIterator]: () => rest }
}

/** The last bytes of a stream that passes. */
export class TailKeeper {
  readonly #length: number
  #tail: Uint8Array = new Uint8Array()

  constructor(length: number) {
    this.#length = length
  }

  /** The last bytes of what has passed. */
  get tail(): Uint8Array {
    return this.#tail
  }

  /** The same data; a copy of their last bytes is kept. */
  async *watch(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      const last = chunk.subarray(-this.#length)
      this.#tail = concatBytes([this.#tail, last]).slice(-this.#length)
      yield chunk
    }
  }
}

import { msg, ProtocolError, Untrusted } from '@cloister/kit'
import { ByteCollector } from './byte-collector.ts'

/** Most bytes of the first line of a streamed payload; it holds a size, a name or a passphrase. */
export const firstLineLimit: number = 4096

const newline = 0x0a

/** A streamed payload: its first line, and the data after that line. */
export interface HeadedStream {
  /** The line without its newline. */
  readonly line: Untrusted<Uint8Array>
  readonly rest: AsyncIterable<Uint8Array>
}

async function* after(first: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (first.length > 0) yield first
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
  } finally {
    await chunks.return?.()
  }
}

/**
 * Reads the first line of a streamed payload, of calls whose payload begins with one.
 * @throws ProtocolError when it does not end in time
 */
export async function takeFirstLine(
  stream: AsyncIterable<Uint8Array>,
  limit: number = firstLineLimit,
): Promise<HeadedStream> {
  const chunks = stream[Symbol.asyncIterator]()
  const line = new ByteCollector()
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    const end = next.value.indexOf(newline)
    line.push(end < 0 ? next.value : next.value.subarray(0, end))
    if (line.length > limit) break
    if (end >= 0) return { line: new Untrusted(line.take()), rest: after(next.value.subarray(end + 1), chunks) }
  }
  await chunks.return?.()
  throw new ProtocolError(msg`the payload must begin with a line of at most ${limit} bytes`)
}

import { msg, StoragePoolException } from '@cloister/kit'
import type { Files } from '@cloister/os'

/** Bytes that are written at a time. */
const blockSize = 1 << 20
/** Holes are left in pieces of this size. */
const holeSize = 4096

/**
 * Writes a stream into a file, leaving holes for zeroes. The file must exist and be empty, or hold nothing but holes.
 * @param most bytes that are accepted
 * @returns the number of bytes in the stream
 * @throws StoragePoolException when the stream is longer
 */
export async function fillFile(
  files: Files,
  path: string,
  body: AsyncIterable<Uint8Array>,
  most?: bigint,
): Promise<bigint> {
  const writer = await files.open(path)
  try {
    let position = 0n
    for await (const block of inBlocks(body)) {
      if (most !== undefined && position + BigInt(block.length) > most) {
        throw new StoragePoolException(msg`too much data (expected ${most} bytes)`)
      }
      if (!isZero(block)) await writer.write(block, position)
      position += BigInt(block.length)
    }
    await writer.sync()
    return position
  } finally {
    await writer.close()
  }
}

/** Gathers chunks into blocks, so that each costs one write. */
async function* inBlocks(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const block = new Uint8Array(blockSize)
  let filled = 0
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + blockSize - filled)
      block.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < blockSize) continue
      yield block
      filled = 0
    }
  }
  if (filled > 0) yield block.subarray(0, filled)
}

function isZero(block: Uint8Array): boolean {
  if (block.length % holeSize !== 0) return false
  return Buffer.compare(block, zeroes.subarray(0, block.length)) === 0
}

const zeroes = new Uint8Array(blockSize)

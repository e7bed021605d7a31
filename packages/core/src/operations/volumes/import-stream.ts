import { endFailed, msg, StoragePoolException } from '@cloister/kit'
import type { Files } from '@cloister/os'
import { beginImport, endImport, type OwnedVolume } from './volume-operations.ts'

/** Bytes that are written at a time. */
const blockSize = 1 << 20
/** Holes are left in pieces of this size. */
const holeSize = 4096

/**
 * Writes a stream into a file, leaving holes for zeroes; the file must be there and empty, or hold nothing but holes.
 * @param most bytes that are accepted
 * @returns the number of bytes that came
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

/** Replaces the content of a volume by a stream of exactly `size` bytes, or of the volume's size; a stream of another length is refused, and the volume keeps its content. */
export async function importStream(owned: OwnedVolume, body: AsyncIterable<Uint8Array>, size?: bigint): Promise<void> {
  const target = await beginImport(owned, size)
  try {
    const came = await fillFile(owned.vm.app.os.files, target.path, body, target.size)
    if (came < target.size) {
      throw new StoragePoolException(msg`not enough data (copied ${came} bytes, expected ${target.size} bytes)`)
    }
  } catch (error) {
    await endFailed(error, () => endImport(owned, false))
  }
  await endImport(owned, true)
}

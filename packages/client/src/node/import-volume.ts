import { type FileHandle, open } from 'node:fs/promises'
import { type ImportTarget, importBegin, importEnd } from '@cloister/admin-protocol'
import { msg, QubesException } from '@cloister/kit'
import type { AdminClient } from '../admin-client.ts'

/** Which volume gets which data. */
export interface VolumeImport {
  readonly domain: string
  readonly volume: string
  readonly data: AsyncIterable<Uint8Array>
  /** Gives the volume this size in bytes; else it keeps its own. The data must have exactly as many bytes. */
  readonly size?: bigint
  readonly signal?: AbortSignal
}

/** Pieces in which data are looked at for nothing but zeroes. */
const blockSize = 64 * 1024
const zeroes = Buffer.alloc(blockSize)

function isZero(block: Uint8Array): boolean {
  return zeroes.subarray(0, block.length).equals(block)
}

/** True for a file in which everything that is not written reads as zeroes. */
async function isBlank(file: FileHandle): Promise<boolean> {
  const stat = await file.stat()
  return stat.isFile() && stat.blocks === 0
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: bigint): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, Number(position) + done)
    done += bytesWritten
  }
}

/** Copies exactly `target.size` bytes into the file that is there; holes stay holes (reference: admin-api, 1.4). */
async function fill(file: FileHandle, target: ImportTarget, { data, signal }: VolumeImport): Promise<void> {
  const blank = await isBlank(file)
  let position = 0n
  for await (const chunk of data) {
    signal?.throwIfAborted()
    if (position + BigInt(chunk.length) > target.size) {
      throw new QubesException(msg`the data are longer than the ${target.size} bytes of the volume`)
    }
    for (let at = 0; at < chunk.length; at += blockSize) {
      const block = chunk.subarray(at, at + blockSize)
      if (!blank || !isZero(block)) await writeAt(file, block, position + BigInt(at))
    }
    position += BigInt(chunk.length)
  }
  if (position < target.size) {
    throw new QubesException(msg`the data have ${position} bytes, the volume has ${target.size}`)
  }
  await file.sync()
}

async function write(target: ImportTarget, request: VolumeImport): Promise<void> {
  const file = await open(target.path, 'r+')
  try {
    await fill(file, target, request)
  } finally {
    await file.close()
  }
}

/**
 * Imports into a volume by writing to the place that the daemon names, without passing the data through it. For programs on
 * the daemon's own host: `client` must speak to the internal socket. When anything fails, the volume stays as it was.
 * @throws QubesException when the data are too short or too long; whatever the daemon or the file system says
 */
export async function importVolume(client: AdminClient, request: VolumeImport): Promise<void> {
  const call = { dest: request.domain, argument: request.volume }
  const target = await client.call(importBegin, {
    ...call,
    ...(request.size === undefined ? {} : { payload: request.size }),
  })
  try {
    await write(target, request)
  } catch (error) {
    // The daemon answers a failure with an exception; what matters is why.
    await client.call(importEnd, { ...call, payload: 'the import broke off' }).catch(() => undefined)
    throw error
  }
  await client.call(importEnd, call)
}

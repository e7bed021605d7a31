import { type FileHandle, open } from 'node:fs/promises'
import { type ImportTarget, importBegin, importEnd } from '@cloister/admin-protocol'
import { msg, QubesException } from '@cloister/kit'
import type { AdminClient } from '../admin-client.ts'

/** An import: the volume and the data. */
export interface VolumeImport {
  readonly domain: string
  readonly volume: string
  readonly data: AsyncIterable<Uint8Array>
  /** New size of the volume in bytes; when not given, the volume keeps its size. The data must have exactly that many bytes. */
  readonly size?: bigint
  readonly signal?: AbortSignal
}

/** Bytes of the pieces that are left out of a sparse file when they hold only zeroes. */
const blockSize = 64 * 1024
const zeroes = Buffer.alloc(blockSize)

function isZero(block: Uint8Array): boolean {
  return zeroes.subarray(0, block.length).equals(block)
}

/** Whether a file has no data, so that a part that is not written reads as zeroes. */
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

/** Copies exactly `target.size` bytes into the file of the target, and keeps it sparse (reference: admin-api, 1.4). */
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
 * Imports into a volume by writing to the file that the daemon names, so that the data do not pass through the daemon. For
 * programs on the daemon's host: `client` must use the internal socket. When the import fails, the volume stays as it was.
 * @throws QubesException when the data are too short or too long; errors of the daemon and of the file system
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
    // The daemon answers this call with an exception; the first error is the reason of the failure.
    await client.call(importEnd, { ...call, payload: 'the import broke off' }).catch(() => undefined)
    throw error
  }
  await client.call(importEnd, call)
}

import { msg, StoragePoolException } from '@cloister/kit'
import type { Files } from '@cloister/os'

/** How large an image from outside may be. */
export interface ImageLimits {
  /** Bytes of the image, and of the disk in it. */
  readonly largest: bigint
}

/** A disk of 1 TiB: more than any operating system is published on. */
export const defaultImageLimits: ImageLimits = { largest: 1n << 40n }

/** Space of a pool that imported images leave free, for the domains that write to the same pool. */
const reserve = { divisor: 50n, most: 512n << 20n } as const
/** The free space is looked at each time that so many bytes have been read. */
const lookEvery = 16n << 20n

/**
 * The same data, as long as they stay within the limits and the file system of `path` has room.
 * @throws StoragePoolException
 */
export async function* bounded(
  files: Files,
  path: string,
  { largest }: ImageLimits,
  image: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let size = 0n
  let nextLook = 0n
  for await (const chunk of image) {
    if (size >= nextLook) {
      await requireRoom(files, path, BigInt(chunk.length))
      nextLook = size + lookEvery
    }
    size += BigInt(chunk.length)
    if (size > largest) throw tooLarge('The image has', { largest })
    yield chunk
  }
}

/** @throws StoragePoolException when `needed` bytes do not fit into the file system of `path` */
export async function requireRoom(files: Files, path: string, needed: bigint): Promise<void> {
  const { total, free } = await files.space(path)
  const share = total / reserve.divisor
  const kept = share < reserve.most ? share : reserve.most
  if (needed + kept <= free) return
  throw new StoragePoolException(
    msg`The image does not fit into the pool: it needs ${needed} bytes more, ${free} are free, and ${kept} of these are kept for domains. Free some space, or choose another pool`,
  )
}

/** @throws StoragePoolException when the disk in an image is larger than the limit */
export function refuseLargeDisk(size: bigint, limits: ImageLimits): void {
  if (size > limits.largest) throw tooLarge(`The disk in the image has ${size} bytes,`, limits)
}

function tooLarge(what: string, { largest }: ImageLimits): StoragePoolException {
  return new StoragePoolException(
    msg`${what} more than the ${largest} bytes that are allowed: the setting images.largest_gib of the daemon raises the limit`,
  )
}

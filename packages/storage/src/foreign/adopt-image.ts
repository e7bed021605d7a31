import {
  type ImageFormat,
  imageTailLength,
  msg,
  type Qcow2Header,
  QubesValueError,
  qcow2Format,
  qcow2HeaderLimit,
  recogniseImage,
} from '@cloister/kit'
import { type Os, removeIfPresent, temporaryName } from '@cloister/os'
import { fillFile } from '../fill-file.ts'
import { bounded, defaultImageLimits, type ImageLimits } from './image-limits.ts'
import { TailKeeper, withHead } from './image-stream.ts'
import { convertQcow2, readForeignHeader } from './qemu-image.ts'

/** Formats of images that are taken. */
export const adoptedFormats = ['raw', 'qcow2'] as const
export type AdoptedFormat = (typeof adoptedFormats)[number]

/** An image from outside, and the file that becomes the disk in it. */
export interface Adoption {
  readonly image: AsyncIterable<Uint8Array>
  /** File that exists and is empty, or holds nothing but holes. After a failure its content is undefined. */
  readonly path: string
  /** Undefined: the format that the image's signature tells; raw when it has none that is known. */
  readonly format?: AdoptedFormat | undefined
  readonly limits?: ImageLimits | undefined
}

/** A disk has whole sectors. */
const sectorSize = 512n

/**
 * Writes the disk in an image from outside into a file. A raw image is taken as it is; a qcow2 image is checked and converted.
 * @throws QubesValueError when the image is of another known format, is empty, cut off or damaged, or needs other files;
 * StoragePoolException when it is too large
 */
export async function adoptImage(os: Os, adoption: Adoption): Promise<void> {
  const { path, format, limits = defaultImageLimits } = adoption
  const image = await withHead(adoption.image, qcow2HeaderLimit)
  try {
    const found = format === undefined ? recogniseImage(image.head) : undefined
    const data = bounded(os.files, path, limits, image.whole)
    if (format === 'qcow2' || found === qcow2Format)
      await adoptQcow2(os, path, { header: readForeignHeader(image.head, limits), data })
    else if (found) throw unsupported(found)
    else await adoptRaw(os, path, data, format)
  } finally {
    await image.close()
  }
}

async function adoptRaw(
  { files }: Os,
  path: string,
  data: AsyncIterable<Uint8Array>,
  format: AdoptedFormat | undefined,
): Promise<void> {
  const end = new TailKeeper(imageTailLength)
  const size = await fillFile(files, path, end.watch(data))
  const found = format === undefined ? recogniseImage(new Uint8Array(), end.tail) : undefined
  if (found) throw unsupported(found)
  if (size === 0n) throw new QubesValueError('The image is empty')
  // The image may end in a hole, which the file does not reach then.
  await files.truncate(path, ((size + sectorSize - 1n) / sectorSize) * sectorSize)
}

/** The image is written into a file beside `path` first: its tables can stand anywhere in it. */
async function adoptQcow2(
  os: Os,
  path: string,
  { header, data }: { readonly header: Qcow2Header; readonly data: AsyncIterable<Uint8Array> },
): Promise<void> {
  const spool = temporaryName(path)
  try {
    await os.files.create(spool, {})
    await fillFile(os.files, spool, data)
    await convertQcow2(os, spool, path, header)
  } finally {
    await removeIfPresent(os.files, spool)
  }
}

function unsupported({ what, advice }: ImageFormat): QubesValueError {
  return new QubesValueError(
    msg`The image is ${what}, which cannot be imported as it is: ${advice}. A raw image that only looks like one is imported with --format raw`,
  )
}

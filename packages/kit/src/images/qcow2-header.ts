import { utf8Text } from '../bytes.ts'
import { CloisterError, libvirtCodes } from '../errors/cloister-error.ts'
import { msg } from '../message.ts'

/** The beginning of a file is not the header of a qcow2 image. */
export class Qcow2HeaderError extends CloisterError {
  static override readonly wireType: string = 'QubesValueError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** What the header of a qcow2 image says (QEMU, docs/interop/qcow2.txt). Offsets and sizes are bytes. */
export interface Qcow2Header {
  readonly version: 2 | 3
  readonly clusterSize: number
  /** Size of the disk in the image. */
  readonly virtualSize: bigint
  readonly encrypted: boolean
  /** Name of the backing file, which may be a URL or `json:{…}`: never to be opened before it was looked at. */
  readonly backingFile: string | undefined
  /** The clusters of the disk lie in another file. */
  readonly externalData: boolean
  /** QEMU has found the image damaged, and has marked it. */
  readonly corrupt: boolean
  readonly snapshots: number
}

/** Bytes at the beginning of an image in which the header and the name of the backing file stand. */
export const qcow2HeaderLimit = 65_536

const magic = 0x514649fb
const headerLength2 = 72
const shortestHeader3 = 104
/** Bits for the size of a cluster: 512 bytes to 2 MiB. */
const clusterBits = { least: 9, most: 21 }
/** Longest name of a backing file, bytes. */
const longestName = 1023
/** Bits of the incompatible features: dirty, corrupt, external data, compression type, extended L2 entries. */
const feature = { corrupt: 2n, externalData: 4n, known: 31n } as const
/** QEMU's limits on the tables that the header counts. */
const most = { snapshots: 65_536, l1Entries: 4 << 20, refcountTable: 8 << 20 } as const
/** Types of header extensions. */
const extension = { end: 0, dataFile: 0x44415441 } as const

/**
 * Reads the header of a qcow2 image. What the format's definition does not allow is refused; what it allows and a caller does
 * not want (a backing file, encryption) is told.
 * @param bytes the beginning of the image: the first {@link qcow2HeaderLimit} bytes, or the whole image when it is shorter
 * @throws Qcow2HeaderError
 */
export function readQcow2Header(bytes: Uint8Array): Qcow2Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, qcow2HeaderLimit))
  if (view.byteLength < 8 || view.getUint32(0) !== magic)
    throw refused('the file does not begin with the magic of qcow2')
  const version = view.getUint32(4)
  if (version !== 2 && version !== 3) throw refused(`version ${version} of qcow2 is not known: 2 and 3 are`)
  const length = headerLength(view, version)
  const bits = view.getUint32(20)
  if (bits < clusterBits.least || bits > clusterBits.most) throw refused(`clusters of 2^${bits} bytes are not allowed`)
  const features = version === 3 ? view.getBigUint64(72) : 0n
  if (features & ~feature.known) throw refused(`the incompatible features 0x${features.toString(16)} are not known`)
  const clusterSize = 2 ** bits
  refuseTables(view, clusterSize)
  const backingOffset = view.getBigUint64(8) || BigInt(clusterSize)
  const end = Math.min(clusterSize, view.byteLength, Number(backingOffset))
  return {
    version,
    clusterSize,
    virtualSize: view.getBigUint64(24),
    encrypted: view.getUint32(32) !== 0,
    backingFile: backingFile(view),
    externalData: (features & feature.externalData) !== 0n || hasDataFileExtension(view, length, end),
    corrupt: (features & feature.corrupt) !== 0n,
    snapshots: view.getUint32(60),
  }
}

/** Where the header ends and its extensions begin. */
function headerLength(view: DataView, version: 2 | 3): number {
  const least = version === 2 ? headerLength2 : shortestHeader3
  const length = version === 3 && view.byteLength >= least ? view.getUint32(100) : least
  if (length < least || length > qcow2HeaderLimit || length % 8 !== 0)
    throw refused(`a header of ${length} bytes is not allowed`)
  if (length > view.byteLength) throw refused(`the header is cut off after ${view.byteLength} bytes`)
  return length
}

/** Refuses tables that are larger than QEMU takes, or that do not begin at a cluster. */
function refuseTables(view: DataView, clusterSize: number): void {
  const isAligned = (at: number): boolean => view.getBigUint64(at) % BigInt(clusterSize) === 0n
  const l1Entries = view.getUint32(36)
  const refcountTable = view.getUint32(56) * clusterSize
  const snapshots = view.getUint32(60)
  if (l1Entries > most.l1Entries) throw refused(`an L1 table of ${l1Entries} entries is too large`)
  if (refcountTable > most.refcountTable) throw refused(`a refcount table of ${refcountTable} bytes is too large`)
  if (snapshots > most.snapshots) throw refused(`${snapshots} snapshots are too many`)
  if (!isAligned(40)) throw refused('the L1 table does not begin at a cluster')
  if (!isAligned(48)) throw refused('the refcount table does not begin at a cluster')
}

function backingFile(view: DataView): string | undefined {
  const offset = view.getBigUint64(8)
  if (offset === 0n) return undefined
  const length = view.getUint32(16)
  if (length === 0 || length > longestName || offset + BigInt(length) > BigInt(view.byteLength))
    throw refused('the name of its backing file lies outside of the header')
  const name = utf8Text(new Uint8Array(view.buffer, view.byteOffset + Number(offset), length))
  if (name === undefined) throw refused('the name of its backing file is not UTF-8')
  return name
}

/**
 * Looks through the header extensions, which stand between the header and the name of the backing file: each has a type, a
 * length, and data that are padded to eight bytes.
 */
function hasDataFileExtension(view: DataView, from: number, to: number): boolean {
  for (let at = from; at + 8 <= to; ) {
    const type = view.getUint32(at)
    const length = view.getUint32(at + 4)
    if (type === extension.end) return false
    if (at + 8 + length > to) throw refused('a header extension reaches beyond the header')
    if (type === extension.dataFile) return true
    at += 8 + Math.ceil(length / 8) * 8
  }
  return false
}

function refused(why: string): Qcow2HeaderError {
  return new Qcow2HeaderError(msg`the qcow2 header is refused: ${why}`)
}

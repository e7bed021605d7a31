import { msg, utf8Text } from '@cloister/kit'
import type { Os } from '@cloister/os'
import { LibvirtError } from '../../../error.ts'

/** `QFI` and 0xfb. */
const magic = 0x514649fb
/** The part of an image in which the header and the name of the backing image stand. */
const headerSize = 65_536
const shortestHeader = 72
/** Longest name of a backing image, by the format's definition. */
const longestName = 1023
/** Bit of the incompatible features: the data stand in another file. */
const externalData = 4n

/**
 * Name of the image (raw) that a qcow2 image was made over, if there is one. Whoever has broken into a QEMU can write what
 * he likes into this header, and we open the file as root at the next start: so the name must be that of a file in the
 * image's own folder, and whatever else leads to other files is refused.
 * @throws LibvirtError CONFIG_UNSUPPORTED; ProcessError when the image cannot be read
 */
export async function backingImage(path: string, { processes }: Pick<Os, 'processes'>): Promise<string | undefined> {
  const { stdout } = await processes.run(['head', '-c', `${headerSize}`, '--', path])
  return readBackingName(stdout, path)
}

/** As {@link backingImage}, from the beginning of an image. */
export function readBackingName(bytes: Uint8Array, path: string): string | undefined {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const refuse = (why: string): never => {
    throw new LibvirtError('CONFIG_UNSUPPORTED', msg`image '${path}': ${why}`, { domain: 'QEMU' })
  }
  if (header.length < shortestHeader || header.readUInt32BE(0) !== magic) return refuse('it is not qcow2')
  const version = header.readUInt32BE(4)
  if (version !== 2 && version !== 3) refuse(`qcow2 of version ${version}`)
  if (version === 3 && header.readBigUInt64BE(72) & externalData) refuse('its data stand in another file')
  const offset = header.readBigUInt64BE(8)
  if (offset === 0n) return undefined
  const length = header.readUInt32BE(16)
  if (length === 0 || length > longestName || offset + BigInt(length) > BigInt(header.length))
    refuse('the name of its backing image is malformed')
  const name = utf8Text(header.subarray(Number(offset), Number(offset) + length)) ?? ''
  if (!/^[A-Za-z0-9_][A-Za-z0-9._+~@=-]*$/.test(name))
    refuse('its backing image must be named without a folder and stand beside it')
  return name
}

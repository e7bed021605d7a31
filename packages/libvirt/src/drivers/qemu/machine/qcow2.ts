import { errorText, msg, type Qcow2Header, qcow2HeaderLimit, readQcow2Header } from '@cloister/kit'
import type { Os } from '@cloister/os'
import { LibvirtError } from '../../../error.ts'

/**
 * Name of the raw image that a qcow2 image was made over, or undefined. A guest that has taken over its QEMU can write any
 * name into this header, and this process opens the named file as root at the next start: so the name must be that of a file
 * in the image's own folder, and an image that leads to any other file is refused.
 * @throws LibvirtError CONFIG_UNSUPPORTED; ProcessError when the image cannot be read
 */
export async function backingImage(path: string, { processes }: Pick<Os, 'processes'>): Promise<string | undefined> {
  const { stdout } = await processes.run(['head', '-c', `${qcow2HeaderLimit}`, '--', path])
  return readBackingName(stdout, path)
}

/** As {@link backingImage}, from the beginning of an image. */
export function readBackingName(bytes: Uint8Array, path: string): string | undefined {
  const { externalData, backingFile } = readHeader(bytes, path)
  if (externalData) throw refused(path, 'its data stand in another file')
  if (backingFile !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9._+~@=-]*$/.test(backingFile))
    throw refused(path, 'its backing image must be named without a folder and stand in the same folder')
  return backingFile
}

function readHeader(bytes: Uint8Array, path: string): Qcow2Header {
  try {
    return readQcow2Header(bytes)
  } catch (error) {
    throw refused(path, errorText(error), error)
  }
}

function refused(path: string, why: string, cause?: unknown): LibvirtError {
  return new LibvirtError('CONFIG_UNSUPPORTED', msg`image '${path}': ${why}`, { domain: 'QEMU', cause })
}

import { errorText, msg, type Qcow2Header, qcow2HeaderLimit, readQcow2Header } from '@cloister/kit'
import type { Os } from '@cloister/os'
import type { ImageDefinition } from '../../../domain-definition.ts'
import { LibvirtError } from '../../../error.ts'
import { shown } from '../../../shown.ts'

/**
 * Refuses a qcow2 image that would make QEMU open a file that the definition does not name. A guest that has taken over its
 * QEMU can write any name into the header of its image, and the daemon opens images as root. So the header is never followed:
 * the definition names the backing image, or says that there is none.
 * @throws LibvirtError CONFIG_UNSUPPORTED; ProcessError when the image cannot be read
 */
export async function refuseUnnamedFiles(image: ImageDefinition, { processes }: Pick<Os, 'processes'>): Promise<void> {
  const { stdout } = await processes.run(['head', '-c', `${qcow2HeaderLimit}`, '--', image.source.path])
  checkHeader(stdout, image)
}

/** As {@link refuseUnnamedFiles}, from the beginning of an image. */
export function checkHeader(bytes: Uint8Array, { source: { path }, backing }: ImageDefinition): void {
  const { externalData, backingFile } = readHeader(bytes, path)
  if (externalData) throw refused(path, 'its data stand in another file')
  if (backing === undefined && backingFile !== undefined) {
    const name = shown(backingFile)
    throw refused(path, `it was made over '${name}', which the domain XML does not name: add <backingStore>`)
  }
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

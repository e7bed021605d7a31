import { endFailed, msg, StoragePoolException } from '@cloister/kit'
import { fillFile, importFailure } from '@cloister/storage'
import { beginImport, endImport, type OwnedVolume } from './volume-operations.ts'

/**
 * Replaces the content of a volume by a stream of exactly `size` bytes, or of the volume's size; a stream of another length is refused, and the volume
 * keeps its content.
 */
export async function importStream(owned: OwnedVolume, body: AsyncIterable<Uint8Array>, size?: bigint): Promise<void> {
  const target = await beginImport(owned, size)
  try {
    const came = await fillFile(owned.vm.app.os.files, target.path, body, target.size)
    if (came < target.size) {
      throw new StoragePoolException(msg`not enough data (copied ${came} bytes, expected ${target.size} bytes)`)
    }
  } catch (error) {
    await endFailed(importFailure(owned.volume.vid, error), () => endImport(owned, false))
  }
  await endImport(owned, true)
}

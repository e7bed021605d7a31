import { utf8 } from '@cloister/kit'
import { CannotCloneError, type Files, removeIfPresent, temporaryName } from '@cloister/os'

/** Whether files in that folder can share blocks. Tried with real content: an empty file proves nothing (reference: A.4.7). */
export async function canReflink(files: Files, folder: string): Promise<boolean> {
  const [from, to] = [temporaryName(`${folder}/.probe`), temporaryName(`${folder}/.probe`)]
  try {
    await files.create(from, { data: utf8('probe') })
    await files.clone(from, to)
    return true
  } catch (error) {
    if (error instanceof CannotCloneError) return false
    throw error
  } finally {
    await removeIfPresent(files, from)
    await removeIfPresent(files, to)
  }
}

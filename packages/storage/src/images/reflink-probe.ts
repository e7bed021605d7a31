import { endFailed, utf8 } from '@cloister/kit'
import { CannotCloneError, type Files, removeIfPresent, temporaryName } from '@cloister/os'

/** Whether files in that folder can share blocks. Tried with real content: an empty file proves nothing (reference: A.4.7). */
export async function canReflink(files: Files, folder: string): Promise<boolean> {
  const [from, to] = [temporaryName(`${folder}/.probe`), temporaryName(`${folder}/.probe`)]
  const removeBoth = async (): Promise<void> => {
    for (const path of [from, to]) await removeIfPresent(files, path)
  }
  let reflink = true
  try {
    await files.create(from, { data: utf8('probe') })
    await files.clone(from, to)
  } catch (error) {
    if (!(error instanceof CannotCloneError)) await endFailed(error, removeBoth)
    reflink = false
  }
  await removeBoth()
  return reflink
}

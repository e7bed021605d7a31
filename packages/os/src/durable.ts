import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { endFailed } from '@cloister/kit'
import { CannotCloneError, errorCode, type Files } from './files.ts'

// Each function is durable when it returns and safe to die in at any moment (reference: storage-and-lifecycle, A.4.2).

/** A mark of this process. It is no pid: in a container every start of the daemon may get the same pid. */
const ourMark = randomBytes(5).toString('hex')
const temporarySuffix = /~([0-9a-z]+)-[0-9a-z]+$/
let temporaries = 0

/** A new name in the folder of `path`, for a file that gets its final name later; `isTemporary` recognises such names. */
export function temporaryName(path: string): string {
  return `${path}~${ourMark}-${(temporaries++).toString(36)}`
}

/** True for names made by `temporaryName`, by this process or by an earlier one. */
export function isTemporary(name: string): boolean {
  return temporarySuffix.test(name)
}

/** True for names made by `temporaryName` in another process, which has left the file if it runs no more. */
export function isForeignTemporary(name: string): boolean {
  const mark = temporarySuffix.exec(name)?.[1]
  return mark !== undefined && mark !== ourMark
}

/** The name that a file with this name gets in the end: the one that `temporaryName` was called with. */
export function finalName(name: string): string {
  return name.replace(temporarySuffix, '')
}

/** Makes a folder (its parent must exist) and its name durable. */
export async function makeFolderDurably(files: Files, path: string, mode = 0o700): Promise<{ readonly made: boolean }> {
  const result = await files.makeFolder(path, mode)
  if (result.made) await files.syncFolder(dirname(path))
  return result
}

/**
 * Puts a new file, made by `fill` under the temporary name it is given, in place of `path`. The content is durable before it
 * gets the name; the name is durable after the caller's `syncFolder`, so that one sync serves several names.
 */
export async function replaceContent(
  files: Files,
  path: string,
  fill: (temporary: string) => Promise<void>,
  mode = 0o600,
): Promise<void> {
  const temporary = temporaryName(path)
  try {
    await fill(temporary)
    await files.setMode(temporary, mode)
    await files.sync(temporary)
    await files.rename(temporary, path)
  } catch (error) {
    await endFailed(error, () => removeIfPresent(files, temporary))
  }
}

/** Puts a new file, made by `fill` under the temporary name it is given, in place of `path`. */
export async function replaceDurably(
  files: Files,
  path: string,
  fill: (temporary: string) => Promise<void>,
  mode = 0o600,
): Promise<void> {
  await replaceContent(files, path, fill, mode)
  await files.syncFolder(dirname(path))
}

/** Writes a small file, in place of the one that has the name now, if there is one. */
export function writeDurably(files: Files, path: string, data: Uint8Array, mode = 0o600): Promise<void> {
  return replaceDurably(files, path, (temporary) => files.create(temporary, { data, mode }), mode)
}

export async function renameDurably(files: Files, from: string, to: string): Promise<void> {
  await files.rename(from, to)
  await files.syncFolder(dirname(to))
  if (dirname(from) !== dirname(to)) await files.syncFolder(dirname(from))
}

/** Removes a name; a missing one is fine. */
export async function removeDurably(files: Files, path: string): Promise<void> {
  if (await removeIfPresent(files, path)) await files.syncFolder(dirname(path))
}

/** Removes a name without making that durable; true when there was one. */
export async function removeIfPresent(files: Files, path: string): Promise<boolean> {
  try {
    await files.unlink(path)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

/** Gives the content of `from` to `to`, by sharing blocks where the file system can, else by a sparse copy. */
export async function cloneOrCopy(files: Files, from: string, to: string, signal?: AbortSignal): Promise<void> {
  try {
    await files.clone(from, to)
  } catch (error) {
    if (!(error instanceof CannotCloneError)) throw error
    await files.copySparse(from, to, signal)
  }
}

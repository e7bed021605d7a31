import { dirname } from 'node:path'
import { msg } from '@cloister/kit'
import { errorCode, type FileStat, type Files, UnsafeFileError } from './files.ts'

/** Permission of the group and of all others to write. */
const othersWrite = 0o022
/** In a folder with this bit only the owner of a file may rename or remove it. */
const sticky = 0o1000

/** What opened files and folders are checked against: the user that this process runs as. */
export interface Trust {
  readonly uid: number
}

/** True for what belongs to this process's user or to root. */
export function isOwnedBy({ uid }: Trust, stat: Pick<FileStat, 'uid'>): boolean {
  return stat.uid === uid || stat.uid === 0
}

/** @throws UnsafeFileError unless `stat` is that of a folder that only this process's user and root can change */
export function checkFolder(trust: Trust, path: string, stat: Pick<FileStat, 'kind' | 'uid' | 'mode'>): void {
  if (stat.kind !== 'folder') throw new UnsafeFileError(msg`${path} is ${kindWords[stat.kind]}, not a folder`)
  if (!isOwnedBy(trust, stat)) throw new UnsafeFileError(msg`The folder ${path} belongs to another user (${stat.uid})`)
  if (stat.mode & othersWrite)
    throw new UnsafeFileError(msg`Other users can write to the folder ${path}: run chmod go-w on it`)
}

/**
 * @param writing whether the file will be written: then no other name may lead to it, as the other name's user would find its
 *   content changed
 * @throws UnsafeFileError unless `stat` is that of a regular file that belongs to this process's user or to root
 */
export function checkFile(
  trust: Trust,
  path: string,
  stat: Pick<FileStat, 'kind' | 'uid' | 'links'>,
  writing: boolean,
): void {
  if (stat.kind !== 'file') throw new UnsafeFileError(msg`${path} is ${kindWords[stat.kind]}, not a regular file`)
  if (!isOwnedBy(trust, stat)) throw new UnsafeFileError(msg`The file ${path} belongs to another user (${stat.uid})`)
  if (writing) checkOneName(path, stat)
}

/** @throws UnsafeFileError when several names lead to the file */
export function checkOneName(path: string, { links }: Pick<FileStat, 'links'>): void {
  if (links <= 1n) return
  throw new UnsafeFileError(msg`${path} is not written to: ${links} names (hard links) lead to this file`)
}

/** What a path leads to, as an end of a sentence. */
export const kindWords: Readonly<Record<FileStat['kind'], string>> = {
  file: 'a regular file',
  folder: 'a folder',
  link: 'a symbolic link',
  fifo: 'a named pipe (FIFO)',
  socket: 'a socket',
  device: 'a device',
  other: 'a special file',
}

/**
 * Why other users than root and the one of this process could put something else in place of a folder: the first folder on the
 * way to it that they can change, as a sentence. Undefined when they cannot. A folder with the sticky bit, such as `/tmp`,
 * may be on the way: others can add names there, but not replace one that is not theirs.
 * @param path an absolute path of a folder, which may be missing
 */
export async function replaceableBy(files: Files, trust: Trust, path: string): Promise<string | undefined> {
  for (const way of new Set([path, await resolved(files, path)])) {
    for (const step of stepsTo(way)) {
      const stat = await files.stat(step)
      const weakness = stat && weaknessOf(trust, step, stat, step === way)
      if (weakness) return weakness
    }
  }
  return undefined
}

/** The path, or what exists of it, with its symbolic links resolved. */
async function resolved(files: Files, path: string): Promise<string> {
  try {
    return await files.resolve(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error
    return resolved(files, dirname(path))
  }
}

function weaknessOf(trust: Trust, path: string, stat: FileStat, isLast: boolean): string | undefined {
  if (!isOwnedBy(trust, stat)) return `${kindWords[stat.kind]} on the way, ${path}, belongs to user ${stat.uid}`
  if (stat.kind !== 'folder') return undefined
  const isOpen = (stat.mode & othersWrite) !== 0 && (isLast || (stat.mode & sticky) === 0)
  return isOpen ? `other users can write to ${path}` : undefined
}

/** The path of every folder on the way, from `/` to the path itself. */
function stepsTo(path: string): string[] {
  const above = dirname(path)
  return above === path ? [path] : [...stepsTo(above), path]
}

import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { msg } from '@cloister/kit'
import { errorCode, type FileStat, UnsafeFileError } from '../files.ts'
import { checkFolder, checkOneName, isOwnedBy, kindWords, type Trust } from '../trusted-path.ts'
import { statHandle, statPath } from './node-stat.ts'

/** How paths lead to files: as the system takes them (`plainPaths`), or below a folder that is open (`ConfinedPaths`). */
export interface Paths {
  /** Calls `work` with a name for `path`, to be given to system calls that do not follow a last link. */
  at<T>(path: string, work: (name: string) => Promise<T>): Promise<T>
  /** Calls `work` with a name of the folder `path` itself. */
  inside<T>(path: string, work: (name: string) => Promise<T>): Promise<T>
  /** Opens an existing regular file, without ever waiting for another process. @throws UnsafeFileError */
  open(path: string, flags: number): Promise<fs.FileHandle>
  /** Changes the mode of what `path` leads to. */
  setMode(path: string, mode: number): Promise<void>
}

/** Flags of every open: a named pipe must not make the call wait, and a link is followed only after it was looked at. */
export const carefully: number = constants.O_NOFOLLOW | constants.O_NONBLOCK

/** The user that this process runs as. */
export function ourselves(): Trust {
  return { uid: process.getuid?.() ?? -1 }
}

export function isWriting(flags: number): boolean {
  return (flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0
}

/** Paths as the system takes them: links on the way are followed. */
export const plainPaths: Paths = {
  at: (path, work) => work(path),
  inside: (path, work) => work(path),
  open: (path, flags) => openKinds(path, flags, ['file']),
  setMode: (path, mode) => fs.chmod(path, mode),
}

/** Opens a file that a program gets. One that it may write to must have no second name. @throws UnsafeFileError */
export async function openForProgram(path: string, access: 'read' | 'readwrite'): Promise<fs.FileHandle> {
  const writes = access === 'readwrite'
  const flags = writes ? constants.O_RDWR : constants.O_RDONLY
  return openKinds(path, flags, writes ? ['file', 'device'] : ['file', 'device', 'folder'], (stat) => {
    if (writes && stat.kind === 'file') checkOneName(path, stat)
  })
}

/**
 * Opens what has that name, without waiting for another process, if it is of one of these kinds and passes the check. A
 * symbolic link as the last name is followed when only root and this process's user can have put it there.
 * @throws UnsafeFileError
 */
async function openKinds(
  path: string,
  flags: number,
  kinds: readonly FileStat['kind'][],
  check: (stat: FileStat) => void = () => {},
): Promise<fs.FileHandle> {
  const file = await openOrFollow(path, flags)
  try {
    const stat = await statHandle(file)
    if (!kinds.includes(stat.kind)) throw notOf(path, stat.kind, kinds)
    check(stat)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

function notOf(path: string, kind: FileStat['kind'], kinds: readonly FileStat['kind'][]): UnsafeFileError {
  return new UnsafeFileError(
    msg`${path} is ${kindWords[kind]}, not ${kinds.map((each) => kindWords[each]).join(' or ')}`,
  )
}

async function openOrFollow(path: string, flags: number): Promise<fs.FileHandle> {
  try {
    return await fs.open(path, flags | carefully)
  } catch (error) {
    if (errorCode(error) === 'ENXIO') throw notOf(path, (await statPath(path))?.kind ?? 'other', ['file'])
    if (errorCode(error) !== 'ELOOP') throw error
    await checkLink(path)
    return fs.open(path, flags | constants.O_NONBLOCK)
  }
}

/** @throws UnsafeFileError when another user can have made the link, or can replace it */
async function checkLink(path: string): Promise<void> {
  const [link, folder] = [await statPath(path), await statPath(await fs.realpath(dirname(path)))]
  if (!link || !folder) return
  if (!isOwnedBy(ourselves(), link))
    throw new UnsafeFileError(msg`${path} is a symbolic link that belongs to another user (${link.uid})`)
  checkFolder(ourselves(), dirname(path), folder)
}

import { errorText, msg, StoragePoolException } from '@cloister/kit'
import type { Clock } from '../clock.ts'
import { errorCode, type FileStat, type Files } from '../files.ts'
import { FolderBusyError, type FolderLock, type FolderLocks, lockFolder } from '../folder-lock.ts'
import { within } from '../within.ts'
import { LockedError, LockThread } from './lock-thread.ts'

const lockFile = 'lock'
const locksLimit = 1 << 20
/** A file system that hangs must not hang the daemon. */
const limitMs = 30_000
/** The byte of a database's file that an exclusive lock begins at. */
const firstByte = 1073741826

/** One thread for all locks of the process. */
const thread = new LockThread()

/** Locks of the machine. */
export class NodeFolderLocks implements FolderLocks {
  readonly #files: Files
  readonly #clock: Clock

  constructor(files: Files, clock: Clock) {
    this.#files = files
    this.#clock = clock
  }

  async take(folder: string): Promise<FolderLock> {
    const path = await this.#prepare(folder)
    const taken = thread.take(path)
    try {
      const lock = await within({ clock: this.#clock, ms: limitMs, what: `Locking the folder ${folder}` }, taken)
      return { release: () => thread.release(lock) }
    } catch (error) {
      // A lock that is granted after the limit is released again.
      void taken.then((lock) => thread.release(lock)).catch(() => {})
      if (error instanceof LockedError) throw new FolderBusyError(folder, await this.#holder(path))
      throw new StoragePoolException(msg`Cannot lock the folder ${folder}: ${errorText(error)}`, { cause: error })
    }
  }

  /** Makes the file to lock if it is missing, and checks that it is a plain file. An existing file is not opened: see the thread. */
  async #prepare(folder: string): Promise<string> {
    const { files, close } = await this.#files.confine(folder)
    try {
      const [own, path] = [`${folder}/${lockFolder}`, `${folder}/${lockFolder}/${lockFile}`]
      await files.makeFolder(own, 0o700)
      await files.create(path, { mode: 0o600 }).catch((error: unknown) => {
        if (errorCode(error) !== 'EEXIST') throw error
      })
      const stat = await files.stat(path)
      if (stat?.kind === 'file' && stat.links === 1n) return path
      throw new StoragePoolException(msg`Cannot lock the folder ${folder}: ${path} is not a file of its own. Remove it`)
    } finally {
      await close()
    }
  }

  /** The process that has the lock, as the kernel's list of locks says; undefined when the list does not show it. */
  async #holder(path: string): Promise<number | undefined> {
    try {
      const [stat, text] = [await this.#files.stat(path), await this.#files.read('/proc/locks', locksLimit)]
      return stat && holderIn(new TextDecoder().decode(text), stat)
    } catch {
      // The message then does not name the process.
      return undefined
    }
  }
}

/**
 * The process that has a database locked, by the kernel's list: lines like
 * `1: POSIX  ADVISORY  WRITE 1234 00:2a:5678 1073741826 1073742335`. Some file systems (btrfs) show another device there.
 */
export function holderIn(locks: string, { inode }: Pick<FileStat, 'inode'>): number | undefined {
  for (const line of locks.split('\n')) {
    const [, kind, , access, pid, file, start] = line.trim().split(/\s+/)
    const isOurs = kind === 'POSIX' && access === 'WRITE' && file?.split(':')[2] === String(inode)
    if (isOurs && Number(start) <= firstByte && Number(pid) > 0) return Number(pid)
  }
  return undefined
}

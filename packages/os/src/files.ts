import { CloisterError } from '@cloister/kit'

/** What a path leads to. Sizes are bytes; identity is `device` and `inode` together. */
export interface FileStat {
  readonly kind: 'file' | 'folder' | 'link' | 'fifo' | 'socket' | 'device' | 'other'
  readonly device: bigint
  readonly inode: bigint
  /** Names that lead to it. */
  readonly links: bigint
  readonly size: bigint
  /** Bytes really allocated; shared extents count in full. */
  readonly allocated: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly mode: number
  /** User that owns it. */
  readonly uid: number
}

/** An open folder, and the files below it. */
export interface ConfinedFolder {
  /**
   * Works on paths below the folder. They are looked up from its descriptor, and nothing on the way to a file is trusted: no
   * symbolic link is followed, every folder and file must belong to this process's user or to root, folders that others can
   * write to are refused, and a file is opened only when it is a regular one, with no more than one name when it is written.
   * A source of `clone` and `copySparse` may stand elsewhere.
   * @throws UnsafeFileError
   */
  readonly files: Files
  close(): Promise<void>
}

/** An open file that is written at positions. */
export interface FileWriter {
  write(bytes: Uint8Array, position: bigint): Promise<void>
  truncate(size: bigint): Promise<void>
  /** Makes the content durable. */
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * The file system, one call a step, each step as durable as its comment says: nothing is durable before `sync` (content)
 * and `syncFolder` (names). Sequences that are safe to die in are built from these in `durable.ts`.
 * A missing path is an error with code `ENOENT` unless said otherwise.
 */
export interface Files {
  /** The content of a regular file; more than `limit` bytes is an error. @throws UnsafeFileError for what is no file */
  read(path: string, limit: number): Promise<Uint8Array>
  /** What `path` leads to, not following a last symbolic link; undefined when there is nothing. */
  stat(path: string): Promise<FileStat | undefined>
  /** Names in a folder, sorted. */
  list(folder: string): Promise<string[]>
  /** Total and free bytes of the file system that holds `path`. */
  space(path: string): Promise<{ readonly total: bigint; readonly free: bigint }>
  /** The path with all symbolic links resolved. */
  resolve(path: string): Promise<string>

  /** Makes a new file, sparse up to `size` or holding `data`; `EEXIST` when the name is taken. Default mode 0600. */
  create(
    path: string,
    content: { readonly size?: bigint; readonly data?: Uint8Array; readonly mode?: number },
  ): Promise<void>
  /** Opens an existing regular file for writing at positions. @throws UnsafeFileError for what is no file, or a link */
  open(path: string): Promise<FileWriter>
  /**
   * Makes `to` (which must not exist) share all blocks of `from`; `EEXIST` when the name is taken.
   * @throws CannotCloneError when the file system cannot
   */
  clone(from: string, to: string): Promise<void>
  /** Copies `from` to `to` (which must not exist), leaving holes where `from` holds nothing but zeroes. */
  copySparse(from: string, to: string, signal?: AbortSignal): Promise<void>
  truncate(path: string, size: bigint): Promise<void>
  setMode(path: string, mode: number): Promise<void>
  setOwner(path: string, uid: number, gid: number): Promise<void>
  /** Sets the modification time, precise to the microsecond. */
  setModified(path: string, ns: bigint): Promise<void>
  /** Makes the content of a file durable. */
  sync(path: string): Promise<void>
  /** Makes the names in a folder durable. */
  syncFolder(path: string): Promise<void>

  /** Gives a file a new name; a file that has that name loses it. */
  rename(from: string, to: string): Promise<void>
  /** Gives a file a second name. */
  link(from: string, to: string): Promise<void>
  /** Removes a name. */
  unlink(path: string): Promise<void>
  /** Makes one folder; an existing one is fine (`made` is false). */
  makeFolder(path: string, mode: number): Promise<{ readonly made: boolean }>
  /** Removes an empty folder. */
  removeFolder(path: string): Promise<void>
  /** Removes a folder and all in it; a missing one is fine. */
  removeTree(path: string): Promise<void>

  /** Opens a folder to work below it even where others may have planted files. */
  confine(folder: string): Promise<ConfinedFolder>
}

/** A path leads to something that must not be opened: a link, a pipe, a file or folder of another user. */
export class UnsafeFileError extends CloisterError {}

/** The file system cannot share blocks between these two paths; a copy may still work. */
export class CannotCloneError extends Error {
  override readonly name: string = 'CannotCloneError'
}

/** What a file system answers that cannot share blocks (reference: storage-and-lifecycle, A.13.2). */
export const cannotCloneCodes: ReadonlySet<string | undefined> = new Set([
  'ENOTSUP',
  'EOPNOTSUPP',
  'EXDEV',
  'EINVAL',
  'EBADF',
  'ENOSYS',
  'ENOTTY',
])

/** The code of a system error (`ENOENT`, …), or undefined. */
export function errorCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
}

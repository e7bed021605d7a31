import { dirname } from 'node:path'
import { errorText, msg, utf8, utf8Text } from '@cloister/kit'
import {
  cloneOrCopy,
  errorCode,
  type FileStat,
  type Files,
  kindWords,
  removeDurably,
  removeIfPresent,
  renameDurably,
  replaceContent,
  replaceDurably,
  UnsafeFileError,
} from '@cloister/os'
import {
  asideName,
  type ImageFile,
  type ImageNames,
  type ImageRole,
  ownerFolders,
  type RevisionFile,
} from './image-names.ts'

/** Settings that decide which files a volume keeps. */
export interface ImageRules {
  /** Older committed states kept; none when 0 or less. */
  readonly revisionsToKeep: number
  /** Whether a clone is made after each commit, for the next start. */
  readonly precache: boolean
  /** Called with a text for the log when a fault was found on the disk and mended. */
  readonly warn: (text: string) => void
  /** Called with the new path of an image that was moved aside. */
  readonly noteAside: (path: string) => void
}

const recordLimit = 256
const imageMode = 0o600
const folderMode = 0o700
/** Errors of `link` when a hard link is not possible: across btrfs subvolumes, at the limit of links, on FAT. */
const cannotLink: ReadonlySet<string | undefined> = new Set(['EXDEV', 'EMLINK', 'EPERM', 'EOPNOTSUPP', 'ENOTSUP'])

/**
 * The image files of one volume, and the steps that its operations are built from (reference: storage-and-lifecycle, A.4.2).
 * A method has made its changes durable when it returns, unless its comment says otherwise. An object is created for one
 * operation and not kept, so that volumes stay small in memory.
 */
export class ImageFiles {
  readonly names: ImageNames
  readonly files: Files
  readonly #rules: ImageRules

  constructor(files: Files, names: ImageNames, rules: ImageRules) {
    this.files = files
    this.names = names
    this.#rules = rules
  }

  /** The stat of an image; undefined when it is missing. @throws UnsafeFileError when it is not a regular file */
  async stat(path: string): Promise<FileStat | undefined> {
    const stat = await this.files.stat(path)
    if (!stat || stat.kind === 'file') return stat
    throw new UnsafeFileError(msg`${path} is ${kindWords[stat.kind]}, not a regular file. Remove it`)
  }

  async exists(path: string): Promise<boolean> {
    return (await this.stat(path)) !== undefined
  }

  /** All files of this volume; none when the folder is missing. */
  async list(): Promise<ImageFile[]> {
    return (await this.#namesInFolder()).map((name) => this.names.parse(name)).filter((file) => file !== undefined)
  }

  /** Revisions by number, oldest first. */
  async revisions(): Promise<RevisionFile[]> {
    const all = (await this.#namesInFolder()).map((name) => this.names.parseRevision(name))
    return all.filter((file) => file !== undefined).sort((a, b) => a.number - b.number)
  }

  /** Makes the domain's folder. */
  async makeFolder(): Promise<void> {
    const { made } = await this.files.makeFolder(this.names.folder, folderMode)
    if (made) await this.files.syncFolder(dirname(this.names.folder))
  }

  /** Makes the domain's folder, not durably: for files that need not survive a power loss. */
  async makeFolderUnsynced(): Promise<void> {
    await this.files.makeFolder(this.names.folder, folderMode)
  }

  /** Makes the names in the domain's folder durable, after methods that do not. */
  syncNames(): Promise<void> {
    return this.files.syncFolder(this.names.folder)
  }

  /** Removes the files with one of these roles, or all files when no role is given; not durable. True if there were any. */
  async removeFiles(...roles: readonly ImageRole[]): Promise<boolean> {
    const found = (await this.list()).filter((file) => roles.length === 0 || roles.includes(file.role))
    for (const { path } of found) await removeIfPresent(this.files, path)
    return found.length > 0
  }

  /**
   * Renames the files that hold a state of a volume (image, running copy, revisions) to names that belong to no volume; not
   * durable.
   */
  async moveAside(): Promise<void> {
    for (const { path, role, temporary } of await this.list()) {
      if (temporary || !['clean', 'dirty', 'revision'].includes(role)) continue
      // An image without content is not worth keeping.
      if (((await this.files.stat(path))?.allocated ?? 0n) === 0n) continue
      const aside = await this.#freeAsideName(path)
      await this.files.rename(path, aside)
      this.#rules.noteAside(aside)
      this.#rules.warn(`${path} belongs to no known domain, and a new volume has its name: moved the image to ${aside}`)
    }
  }

  /** Removes what interrupted operations left over, an import included unless one is under way; not durable. */
  async removeLeftovers(importing: boolean): Promise<void> {
    for (const { path, role, temporary } of await this.list()) {
      if (temporary || (role === 'import' && !importing)) await removeIfPresent(this.files, path)
    }
  }

  /** Removes all files of this volume, and the domain's folder if it is then empty. */
  async removeAll(): Promise<void> {
    const { folder } = this.names
    const removed = await this.removeFiles()
    if (await this.#removeFolder()) await this.files.syncFolder(dirname(folder))
    else if (removed) await this.#syncUnlessGone(folder)
  }

  /** Syncs the folder; does nothing when another volume of the domain has removed it meanwhile, durably. */
  async #syncUnlessGone(folder: string): Promise<void> {
    try {
      await this.files.syncFolder(folder)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
    }
  }

  /** Makes a sparse image; its name is not durable yet. */
  writeSparse(path: string, size: bigint): Promise<void> {
    return replaceContent(this.files, path, (temporary) => this.files.create(temporary, { size, mode: imageMode }))
  }

  /** Replaces `to` by a copy of `from`, cut or grown to `size`. */
  copy(from: string, to: string, size?: bigint): Promise<void> {
    const fill = async (temporary: string): Promise<void> => {
      await cloneOrCopy(this.files, from, temporary)
      if (size !== undefined) await this.files.truncate(temporary, size)
    }
    return replaceDurably(this.files, to, fill, imageMode)
  }

  /** Copies `from` to `to`, which must not exist; the copy is not made durable. */
  async copyUnsynced(from: string, to: string, signal?: AbortSignal): Promise<void> {
    await cloneOrCopy(this.files, from, to, signal)
    await this.files.setMode(to, imageMode)
  }

  rename(from: string, to: string): Promise<void> {
    return renameDurably(this.files, from, to)
  }

  remove(path: string): Promise<void> {
    return removeDurably(this.files, path)
  }

  /**
   * Keeps the committed state as the next revision, by a hard link to the image: that takes no time and no space. It is safe
   * because no guest writes to a committed image (except with snapshots disabled, where no revision exists).
   */
  async addRevision(): Promise<void> {
    const clean = this.#rules.revisionsToKeep > 0 ? await this.stat(this.names.clean) : undefined
    if (!clean) return
    const last = (await this.revisions()).at(-1)?.number ?? 0
    const path = this.names.revision(last + 1, clean.mtimeNs)
    if (!(await this.#linked(this.names.clean, path))) await this.#copyDated(this.names.clean, path, clean.mtimeNs)
    await this.syncNames()
  }

  /** Removes revisions beyond the limit, the oldest first; their removal is not durable. True if there were any. */
  async prune(): Promise<boolean> {
    const all = await this.revisions()
    const excess = all.slice(0, Math.max(0, all.length - Math.max(0, this.#rules.revisionsToKeep)))
    for (const { path } of excess) await removeIfPresent(this.files, path)
    return excess.length > 0
  }

  /**
   * Makes the clone for the next start, if the rules ask for one; its name is not durable yet. True if it was made. A failure is
   * only a warning: the commit is done, and the next start makes a copy itself.
   */
  async writePrecache(): Promise<boolean> {
    if (!this.#rules.precache) return false
    try {
      const { mtimeNs } = await this.#committed()
      await this.#copyDated(this.names.clean, this.names.precache, mtimeNs)
      return true
    } catch (error) {
      this.#rules.warn(`Cannot make ${this.names.precache}: ${errorText(error)}. The next start will copy instead`)
      return false
    }
  }

  /** Replaces the committed image by a copy when it has other hard links (snapshots, revisions). */
  async unshareClean(): Promise<void> {
    const { clean } = this.names
    if ((await this.#committed()).links > 1n) await this.copy(clean, clean)
  }

  /**
   * Removes the precache if it is not a copy of the committed image: an administrator may have edited that image by hand. Times
   * are compared in microseconds, the precision with which a time can be set (reference: A.13.1, 8).
   */
  async removeStalePrecache(): Promise<void> {
    const precache = await this.stat(this.names.precache)
    if (!precache) return
    const clean = await this.#committed()
    if (precache.size === clean.size && precache.mtimeNs / 1000n === clean.mtimeNs / 1000n) return
    this.#rules.warn(`${this.names.precache} is no copy of ${this.names.clean} any more: removed it`)
    await this.remove(this.names.precache)
  }

  /** Turns the precache, or else a copy, into the image that the domain will write. */
  async makeDirty(): Promise<void> {
    const { clean, dirty, precache } = this.names
    if (await this.exists(precache)) await this.rename(precache, dirty)
    else await this.copy(clean, dirty)
  }

  /** Replaces the committed state by a revision. */
  async restoreRevision(revision: string): Promise<void> {
    await this.files.rename(revision, this.names.clean)
    // A rename between two hard links of one file does nothing, so the revision's name may still exist.
    await removeIfPresent(this.files, revision)
    await this.syncNames()
  }

  /**
   * Links the committed image of another volume into this volume's folder, so that the image stays when the other volume commits
   * a new one. Where the file system has no hard links, makes a copy and records the file from which it was made. Not durable.
   */
  async linkSource(source: string): Promise<void> {
    const original = await this.stat(source)
    if (await this.#linked(source, this.names.clean)) return
    await this.copyUnsynced(source, this.names.clean)
    await this.files.create(this.names.sourceRecord, { data: utf8(identity(original) ?? ''), mode: imageMode })
  }

  /** Device and inode of the image that `linkSource` was called with, as text; undefined when it was not. */
  async linkedSource(): Promise<string | undefined> {
    if (!(await this.exists(this.names.sourceRecord))) return identity(await this.stat(this.names.clean))
    return utf8Text(await this.files.read(this.names.sourceRecord, recordLimit))
  }

  async #committed(): Promise<FileStat> {
    const stat = await this.stat(this.names.clean)
    if (!stat) throw new Error(`${this.names.clean} is missing`)
    return stat
  }

  async #namesInFolder(): Promise<string[]> {
    try {
      return await this.files.list(this.names.folder)
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return []
      throw error
    }
  }

  async #freeAsideName(path: string): Promise<string> {
    let number = 1
    while (await this.exists(asideName(path, number))) number++
    return asideName(path, number)
  }

  async #removeFolder(): Promise<boolean> {
    try {
      await this.files.removeFolder(this.names.folder)
      return true
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errorCode(error) ?? '')) return false
      throw error
    }
  }

  async #linked(from: string, to: string): Promise<boolean> {
    try {
      await this.files.link(from, to)
      return true
    } catch (error) {
      if (cannotLink.has(errorCode(error))) return false
      throw error
    }
  }

  /** A copy with the time of the original, to the microsecond; its name is not durable yet. */
  #copyDated(from: string, to: string, mtimeNs: bigint): Promise<void> {
    const fill = async (temporary: string): Promise<void> => {
      await cloneOrCopy(this.files, from, temporary)
      await this.files.setModified(temporary, mtimeNs)
    }
    return replaceContent(this.files, to, fill, imageMode)
  }
}

/** Device and inode as text, as `linkedSource` gives them. */
export function identity(stat: FileStat | undefined): string | undefined {
  return stat && JSON.stringify({ device: String(stat.device), inode: String(stat.inode) })
}

/** Makes the folders that hold the domains' folders. @throws UnsafeFileError when another user has made one of them */
export async function makeOwnerFolders(files: Files, dirPath: string): Promise<void> {
  let made = false
  for (const name of ownerFolders) {
    const path = `${dirPath}/${name}`
    made = (await files.makeFolder(path, folderMode)).made || made
    // To look into a folder is to check it.
    await files.list(path)
  }
  if (made) await files.syncFolder(dirPath)
}

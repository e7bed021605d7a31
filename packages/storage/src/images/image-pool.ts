import {
  booleanWord,
  errorText,
  msg,
  QubesException,
  QubesNotImplementedError,
  QubesVolumeNotFoundError,
  StoragePoolException,
} from '@cloister/kit'
import {
  type ConfinedFolder,
  errorCode,
  type Files,
  type FolderLock,
  failureText,
  lockFolder,
  makeFolderDurably,
  type Os,
  replaceableBy,
} from '@cloister/os'
import type { Pool, PoolCapabilities } from '../pool.ts'
import { folderUsage, includedIn } from '../pool-folder.ts'
import { sharedFolderOption } from '../pool-options.ts'
import type { Volume, VolumeConfig } from '../volume.ts'
import { checkRevisionsToKeep } from '../volume-kinds.ts'
import { VolumeLocks } from '../volume-locks.ts'
import { AsideImages } from './aside-images.ts'
import type { ImageDriver } from './image-driver.ts'
import { makeOwnerFolders } from './image-files.ts'
import { ownerFolders } from './image-names.ts'
import { ImageVolume } from './image-volume.ts'
import { canReflink } from './reflink-probe.ts'
import { sweep } from './sweep.ts'

/** Settings that all pools of image files have. */
export interface ImagePoolSettings {
  readonly name: string
  /** Absolute path of the folder. */
  readonly dirPath: string
  readonly revisionsToKeep: number
  readonly ephemeralVolatile: boolean
  /** Whether a folder is accepted that other users can write to, itself or a folder above it. */
  readonly sharedFolder: boolean
  readonly os: Os
  /** Called with a text for the log when a fault was found on the disk and mended. */
  readonly warn: (text: string) => void
}

/** A folder with one image file, or a few, for each volume (reference: storage-and-lifecycle, A.4.7). */
export class ImagePool implements Pool {
  readonly imageDriver: ImageDriver
  readonly locks: VolumeLocks = new VolumeLocks()
  readonly asides: AsideImages = new AsideImages()
  readonly name: string
  readonly dirPath: string
  readonly os: Os
  readonly warn: (text: string) => void
  ephemeralVolatile: boolean
  #revisionsToKeep: number
  readonly #sharedFolder: boolean
  /** Whether files can share blocks; known once the pool is open. */
  #reflink = false
  #open: OpenPool | undefined
  #opening: Promise<void> | undefined
  #closed = false
  readonly #volumes = new Map<string, ImageVolume>()
  /** Volumes whose removal has begun but not succeeded. */
  readonly #removing = new Set<string>()

  /** @throws QubesValueError, QubesNotImplementedError when volumes of the driver cannot keep as many revisions */
  constructor(imageDriver: ImageDriver, settings: ImagePoolSettings) {
    this.imageDriver = imageDriver
    this.name = settings.name
    this.dirPath = settings.dirPath
    this.os = settings.os
    this.warn = settings.warn
    this.ephemeralVolatile = settings.ephemeralVolatile
    this.#revisionsToKeep = this.checkRevisions(settings.revisionsToKeep)
    this.#sharedFolder = settings.sharedFolder
  }

  /**
   * The files of the pool, confined to its folder.
   * @throws StoragePoolException when the pool is not open
   */
  get files(): Files {
    if (this.#open) return this.#open.folder.files
    throw new StoragePoolException(msg`Pool ${this.name} is not open: its folder ${this.dirPath} is out of reach`)
  }

  get revisionsToKeep(): number {
    return this.#revisionsToKeep
  }

  set revisionsToKeep(value: number) {
    this.#revisionsToKeep = this.checkRevisions(value)
  }

  get driver(): string {
    return this.imageDriver.name
  }

  get capabilities(): PoolCapabilities {
    return this.imageDriver.capabilities(this.#reflink)
  }

  /** Whether a copy is kept ready for the next start of each domain. */
  get keepsPrecache(): boolean {
    return this.imageDriver.keepsPrecache(this.#reflink)
  }

  /** Whether a snapshot is a qcow2 file over its source's image. */
  get usesOverlays(): boolean {
    return this.imageDriver.usesOverlays(this.#reflink)
  }

  config(): Record<string, string> {
    return {
      name: this.name,
      driver: this.driver,
      dir_path: this.dirPath,
      revisions_to_keep: String(this.revisionsToKeep),
      ephemeral_volatile: booleanWord(this.ephemeralVolatile),
      ...(this.#sharedFolder && { [sharedFolderOption]: booleanWord(true) }),
    }
  }

  /** Makes the folder if it is missing (its parent must exist), and leaves the pool open. */
  async setup(): Promise<void> {
    await this.#orExplain('set up', async () => {
      await this.#checkWay()
      const { made } = await makeFolderDurably(this.os.files, this.dirPath)
      try {
        await this.#hold()
        this.#checkFileSystem()
        await makeOwnerFolders(this.files, this.dirPath)
        this.#startSweep()
      } catch (error) {
        if (made && this.#open) await this.#removeFolders()
        await this.#release()
        if (made) await this.#remove(this.os.files, this.dirPath)
        throw error
      }
    })
  }

  /**
   * Locks and opens the folder. Files that a crash has left are removed in the background, so that opening a pool of many
   * volumes is fast.
   */
  open(): Promise<void> {
    this.#opening ??= this.#openOnce().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  /** Opens the pool if an earlier attempt failed: called before a volume changes anything. */
  async ready(): Promise<void> {
    if (this.#open && !this.#opening) return
    if (this.#closed) throw new StoragePoolException(msg`Pool ${this.name} is closed`)
    await this.open()
  }

  async #openOnce(): Promise<void> {
    if (this.#open) return
    await this.#orExplain('open', async () => {
      try {
        await this.#checkWay()
        await this.#hold()
        await makeOwnerFolders(this.files, this.dirPath)
        this.#startSweep()
      } catch (error) {
        await this.#release()
        throw error
      }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#release()
  }

  async discard(): Promise<void> {
    if (await this.os.files.stat(this.dirPath)) {
      await this.#hold()
      await this.#removeFolders()
    }
    await this.close()
    await this.#remove(this.os.files, this.dirPath)
  }

  async #release(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.swept
    await open?.folder.close()
    await open?.lock.release()
  }

  usageDetails(): Promise<Record<string, bigint>> {
    return folderUsage(this.os.files, this.dirPath)
  }

  /**
   * The object is the same one for the same `vid` as long as role, kind and source are the same; otherwise (a domain got another
   * template) a new one takes its place.
   */
  initVolume(config: VolumeConfig): ImageVolume {
    const vid = config.vid ?? `${config.owner ?? ''}/${config.name}`
    const known = this.#volumes.get(vid)
    if (known && isFor(known, config)) return known
    const volume = new ImageVolume(this, vid, config)
    this.#volumes.set(vid, volume)
    return volume
  }

  getVolume(vid: string): ImageVolume {
    const volume = this.#volumes.get(vid)
    if (volume) return volume
    throw new QubesVolumeNotFoundError(msg`Pool ${this.name} has no volume ${vid}`)
  }

  async listVolumes(): Promise<Volume[]> {
    return [...this.#volumes.values()]
  }

  includedIn(others: readonly Pool[]): Promise<string | undefined> {
    return includedIn(this.os.files, this.dirPath, others)
  }

  async movedAside(): Promise<readonly string[]> {
    return this.#open ? this.asides.list(this.files) : []
  }

  /** Called by a volume before its files are removed. */
  beginRemoval(vid: string): void {
    this.#removing.add(vid)
  }

  /** True when files of a volume of that `vid` exist only because their removal failed. */
  removalBegan(vid: string): boolean {
    return this.#removing.has(vid)
  }

  /** Also called by a volume that was removed. */
  forget(volume: ImageVolume): void {
    this.#removing.delete(volume.vid)
    if (this.#volumes.get(volume.vid) === volume) this.#volumes.delete(volume.vid)
  }

  /** @throws QubesValueError, QubesNotImplementedError when volumes of the driver cannot keep as many revisions */
  checkRevisions(value: number): number {
    const { maxRevisions } = this.capabilities
    if (checkRevisionsToKeep(value) <= maxRevisions) return value
    throw new QubesNotImplementedError(
      msg`revisions_to_keep=${value} is too much: a volume of the driver ${this.driver} keeps at most ${maxRevisions} older state`,
    )
  }

  /** @throws StoragePoolException when other users can change what the pool's path leads to, and the options do not allow it */
  async #checkWay(): Promise<void> {
    if (this.#sharedFolder) return
    const weakness = await replaceableBy(this.os.files, this.os.host, this.dirPath)
    if (!weakness) return
    throw new StoragePoolException(
      msg`Cannot use folder ${this.dirPath} for pool ${this.name}: ${weakness}. That user could replace the images of domains. Change owner or mode, or accept it with the option ${sharedFolderOption}=True`,
    )
  }

  /** @throws StoragePoolException when the file system of the folder does not suit the driver */
  #checkFileSystem(): void {
    const why = this.imageDriver.unsuitable(this.dirPath, this.#reflink)
    if (why !== undefined) throw new StoragePoolException(msg`Cannot set up pool ${this.name}. ${why}`)
  }

  async #hold(): Promise<void> {
    if (this.#open) return
    const lock = await this.os.locks.take(this.dirPath)
    try {
      const folder = await this.os.files.confine(this.dirPath)
      this.#open = { lock, folder }
      this.#reflink = await canReflink(folder.files, this.dirPath)
    } catch (error) {
      if (!this.#open) await lock.release()
      throw error
    }
  }

  #startSweep(): void {
    const open = this.#open
    if (!open || open.swept) return
    const { files } = open.folder
    const whileNotImporting = (vid: string, work: () => Promise<unknown>): Promise<void> =>
      this.locks.run(vid, async () => {
        if (!this.#volumes.get(vid)?.importing) await work()
      })
    const isOpen = (): boolean => this.#open === open
    const noteAside = (path: string): void => this.asides.note(path)
    open.swept = sweep({ files, dirPath: this.dirPath, isOpen, noteAside, whileNotImporting }).catch((error: unknown) =>
      this.warn(`Removing the files that a crash has left in pool ${this.name} failed: ${failureText(error)}`),
    )
  }

  /** Removes the empty folders that `setup` has made. */
  async #removeFolders(): Promise<void> {
    for (const name of ownerFolders) await this.#remove(this.files, `${this.dirPath}/${name}`)
    await this.files.removeTree(`${this.dirPath}/${lockFolder}`)
  }

  async #remove(files: Files, folder: string): Promise<void> {
    await files.removeFolder(folder).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') this.warn(errorText(error))
    })
  }

  async #orExplain(verb: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      if (cause instanceof QubesException) throw cause
      throw new StoragePoolException(
        msg`Cannot ${verb} pool ${this.name} in folder ${this.dirPath}: ${failureText(cause)}`,
        { cause },
      )
    }
  }
}

/** Resources of an open pool. */
interface OpenPool {
  readonly lock: FolderLock
  readonly folder: ConfinedFolder
  /** Settles when the files that a crash has left are removed. */
  swept?: Promise<void>
}

function isFor(volume: ImageVolume, config: VolumeConfig): boolean {
  return (
    volume.name === config.name &&
    volume.snapOnStart === config.snapOnStart &&
    volume.saveOnStop === config.saveOnStop &&
    volume.source === config.source
  )
}

import {
  booleanWord,
  CloisterError,
  errorText,
  msg,
  QubesNotImplementedError,
  QubesVolumeNotFoundError,
  StoragePoolException,
} from '@cloister/kit'
import { errorCode, makeFolderDurably, type Os } from '@cloister/os'
import type { Pool, PoolCapabilities } from '../pool.ts'
import { folderUsage, includedIn } from '../pool-folder.ts'
import { PoolLock } from '../pool-lock.ts'
import type { Volume, VolumeConfig } from '../volume.ts'
import { checkRevisionsToKeep } from '../volume-kinds.ts'
import { makeOwnerFolders } from './image-files.ts'
import { ownerFolders } from './image-names.ts'
import type { ImageVolume } from './image-volume.ts'
import { canReflink } from './reflink-probe.ts'

/** Settings that all pools of image files have. */
export interface ImagePoolSettings {
  readonly name: string
  /** Absolute path of the folder. */
  readonly dirPath: string
  readonly revisionsToKeep: number
  readonly ephemeralVolatile: boolean
  readonly os: Os
  /** Told when something was found that should not be, and put right. */
  readonly warn: (text: string) => void
}

/** A folder with one image file, or a few, for each volume (reference: storage-and-lifecycle, A.4.7). */
export abstract class ImagePool implements Pool {
  abstract readonly driver: string
  abstract readonly capabilities: PoolCapabilities
  /** Whether a clone is kept ready for the next start of each domain. */
  abstract readonly keepsPrecache: boolean
  readonly name: string
  readonly dirPath: string
  readonly os: Os
  readonly warn: (text: string) => void
  ephemeralVolatile: boolean
  #revisionsToKeep: number
  /** Whether files can share blocks; known once the pool is open. */
  #reflink = false
  #lock: PoolLock | undefined
  #opening: Promise<void> | undefined
  #closed = false
  readonly #volumes = new Map<string, ImageVolume>()
  /** Volumes whose removal began and has not succeeded. */
  readonly #removing = new Set<string>()

  constructor(settings: ImagePoolSettings) {
    this.name = settings.name
    this.dirPath = settings.dirPath
    this.os = settings.os
    this.warn = settings.warn
    this.ephemeralVolatile = settings.ephemeralVolatile
    this.#revisionsToKeep = settings.revisionsToKeep
  }

  get revisionsToKeep(): number {
    return this.#revisionsToKeep
  }

  set revisionsToKeep(value: number) {
    this.#revisionsToKeep = this.checkRevisions(value)
  }

  get reflink(): boolean {
    return this.#reflink
  }

  config(): Record<string, string> {
    return {
      name: this.name,
      driver: this.driver,
      dir_path: this.dirPath,
      revisions_to_keep: String(this.revisionsToKeep),
      ephemeral_volatile: booleanWord(this.ephemeralVolatile),
    }
  }

  /** Makes the folder if it is missing (its parent must exist), and leaves the pool open. */
  async setup(): Promise<void> {
    await this.#orExplain('set up', async () => {
      const { made } = await makeFolderDurably(this.os.files, this.dirPath)
      try {
        await this.#hold()
        this.checkFolder()
        await makeOwnerFolders(this.os.files, this.dirPath)
      } catch (error) {
        await this.#release()
        if (made) await this.#removeFolders()
        throw error
      }
    })
  }

  /**
   * Takes hold of the folder. What a crash left is removed volume by volume, at each one's next start or stop, so that this
   * takes no longer with many domains.
   */
  async open(): Promise<void> {
    await this.#orExplain('open', async () => {
      try {
        await this.#hold()
        await makeOwnerFolders(this.os.files, this.dirPath)
      } catch (error) {
        await this.#release()
        throw error
      }
    })
  }

  /** Opens the pool if an earlier attempt failed: called before a volume changes anything. */
  async ready(): Promise<void> {
    if (this.#lock) return
    if (this.#closed) throw new StoragePoolException(msg`Pool ${this.name} is closed`)
    this.#opening ??= this.open().finally(() => {
      this.#opening = undefined
    })
    await this.#opening
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#release()
  }

  async discard(): Promise<void> {
    if (!(await this.os.files.stat(this.dirPath))) return this.close()
    // Also takes over the lock that a daemon which ended has left.
    await this.#hold()
    await this.close()
    await this.#removeFolders()
  }

  async #release(): Promise<void> {
    await this.#lock?.release()
    this.#lock = undefined
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
    const volume = this.makeVolume(vid, config)
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

  /** Called by a volume before its files are removed. */
  beginRemoval(vid: string): void {
    this.#removing.add(vid)
  }

  /** True when files of a volume of that `vid` are only there because removing them failed. */
  removalBegan(vid: string): boolean {
    return this.#removing.has(vid)
  }

  /** Called by a volume that was removed. */
  forget(volume: ImageVolume): void {
    this.#removing.delete(volume.vid)
    if (this.#volumes.get(volume.vid) === volume) this.#volumes.delete(volume.vid)
  }

  /** @throws QubesValueError, QubesNotImplementedError when volumes cannot keep so many */
  checkRevisions(value: number): number {
    const { maxRevisions } = this.capabilities
    if (checkRevisionsToKeep(value) <= maxRevisions) return value
    throw new QubesNotImplementedError(
      msg`${this.constructor.name} supports maximum ${maxRevisions} volume revision to keep`,
    )
  }

  protected abstract makeVolume(vid: string, config: VolumeConfig): ImageVolume

  /** @throws StoragePoolException when the folder, which was probed, does not suit the driver */
  protected abstract checkFolder(): void

  async #hold(): Promise<void> {
    this.#lock ??= await PoolLock.take(this.os, this.dirPath)
    this.#reflink = await canReflink(this.os.files, this.dirPath)
  }

  /** Removes what `setup` made, as far as it is empty. */
  async #removeFolders(): Promise<void> {
    for (const path of [...ownerFolders.map((name) => `${this.dirPath}/${name}`), this.dirPath]) {
      await this.os.files.removeFolder(path).catch((error: unknown) => {
        if (errorCode(error) !== 'ENOENT') this.warn(errorText(error))
      })
    }
  }

  async #orExplain(verb: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      if (cause instanceof CloisterError) throw cause
      throw new StoragePoolException(
        msg`Cannot ${verb} pool ${this.name} in folder ${this.dirPath}: ${errorText(cause)}`,
        { cause },
      )
    }
  }
}

function isFor(volume: ImageVolume, config: VolumeConfig): boolean {
  return (
    volume.name === config.name &&
    volume.snapOnStart === config.snapOnStart &&
    volume.saveOnStop === config.saveOnStop &&
    volume.source === config.source
  )
}

import { endFailed, errorChain, msg, StoragePoolException } from '@cloister/kit'
import type { Files } from '@cloister/os'
import { refreshLoopDevices } from '../loop-devices.ts'
import { inspect, runSteps, type Step, step } from '../steps.ts'
import type { BlockDevice, Revision, Volume, VolumeConfig } from '../volume.ts'
import { checkSize } from '../volume-kinds.ts'
import { type EngineVolume, engineFor, type HeldSource, type ImageEngine } from './image-engines.ts'
import { ImageFiles, identity } from './image-files.ts'
import { ImageNames } from './image-names.ts'
import type { ImagePool } from './image-pool.ts'
import * as protocol from './image-protocol.ts'
import { ImageVolumeSettings } from './image-volume-settings.ts'
import * as refusals from './refusals.ts'

/** Returns the steps of an operation, from the state of the files. */
type Plan = (images: ImageFiles) => readonly Step[] | Promise<readonly Step[]>

/**
 * A volume whose states are image files in a folder (reference: storage-and-lifecycle, A.4). The object keeps no copy of the
 * state of the files: each operation looks at the disk, so that it also works after a crash. A dirty image exists from start to
 * stop of the domain (after a crash, until the next stop). The engine decides what happens to the images at start and stop; the
 * driver decides which operations are allowed.
 */
export class ImageVolume extends ImageVolumeSettings implements Volume, HeldSource {
  readonly source: ImageVolume | undefined
  #importing = false
  #exports = 0

  /** @throws StoragePoolException, QubesNotImplementedError, QubesValueError when the config is not a possible one */
  constructor(pool: ImagePool, vid: string, config: VolumeConfig) {
    super(pool, vid, config)
    this.source = config.source && sourceIn(pool, config.source)
  }

  config(): VolumeConfig {
    return { ...this.settings(), ...(this.source && { source: this.source }) }
  }

  get path(): string {
    return this.#engine.disk(this.names).path
  }

  size(): Promise<bigint> {
    return inspect('the size', this.vid, () => this.#liveSize())
  }

  usage(): Promise<bigint> {
    return inspect('the usage', this.vid, async () => {
      const { images } = this
      const stat = (await images.stat(this.path)) ?? (await images.stat(this.names.clean))
      return stat?.allocated ?? 0n
    })
  }

  async isDirty(): Promise<boolean> {
    return this.saveOnStop && (await inspect('the state', this.vid, () => this.images.exists(this.names.dirty)))
  }

  async isOutdated(): Promise<boolean> {
    const { source } = this
    if (!source) return false
    return inspect('the state', this.vid, async () => {
      const mine = await this.images.linkedSource()
      const theirs = identity(await this.images.stat(source.names.clean))
      return mine !== undefined && theirs !== undefined && mine !== theirs
    })
  }

  revisions(): Promise<Revision[]> {
    return inspect('the revisions', this.vid, async () => {
      const all = await this.images.revisions()
      if (this.pool.imageDriver.numbersRevisions) return all.map(({ number, time }) => ({ id: String(number), time }))
      return all.slice(-1).map(({ time }) => ({ id: 'old', time }))
    })
  }

  async blockDevice(): Promise<BlockDevice | undefined> {
    return { ...this.#engine.disk(this.names), kind: 'file', rw: this.rw, disposable: !this.saveOnStop }
  }

  create(): Promise<void> {
    const removed = this.pool.removalBegan(this.vid)
    return this.#change('create', (images) => {
      if (this.saveOnStop) checkSize(this.remembered, this.vid)
      return this.#engine.create({ ...this.#asEngineVolume(images), removed })
    })
  }

  async remove(): Promise<void> {
    this.pool.beginRemoval(this.vid)
    await this.#change('remove', (images) => [step('remove the files', () => images.removeAll())])
    this.#importing = false
    this.pool.forget(this)
  }

  /** @throws StoragePoolException when the image that a start needs is missing */
  async verify(): Promise<void> {
    await this.pool.ready()
    if (this.source) return this.source.verify()
    if (this.saveOnStop) await this.#locked(() => this.#verifyImage())
  }

  start(): Promise<void> {
    return this.#change('start', async (images) => {
      this.#refuseDuringImport()
      this.#refuseUnencrypted()
      this.#refuseExported()
      if (this.kind === 'volatile') checkSize(this.remembered, this.vid)
      const tidy = step('remove what a crash left', () => images.removeLeftovers(false))
      return [tidy, ...(await this.#engine.start(this.#asEngineVolume(images)))]
    })
  }

  stop(): Promise<void> {
    return this.#change('stop', async (images) => {
      const tidy = step('remove what a crash left', () => images.removeLeftovers(this.#importing))
      return [tidy, ...(await this.#engine.stop(this.#asEngineVolume(images)))]
    })
  }

  async hold(work: () => Promise<void>): Promise<void> {
    await this.#locked(async () => {
      if (await this.#isUsedInPlace()) throw refusals.sourceRuns(this.vid)
      await work()
    })
  }

  async export(): Promise<string> {
    if (!this.saveOnStop) throw refusals.nothingToExport(this.vid)
    return this.#locked(async () => {
      if (await this.#isUsedInPlace()) throw refusals.exportWhileRunning(this.vid)
      await this.#verifyImage()
      this.#exports++
      return this.names.clean
    })
  }

  async exportEnd(): Promise<void> {
    if (this.#exports > 0) this.#exports--
  }

  get importData(): Volume['importData'] {
    return this.saveOnStop ? (size) => this.#importData(size) : undefined
  }

  /** Throws StoragePoolException when no import is under way: the daemon may have been restarted since. */
  get importDataEnd(): Volume['importDataEnd'] {
    return this.saveOnStop ? (success) => this.#importDataEnd(success) : undefined
  }

  async importVolume(source: Volume, signal?: AbortSignal): Promise<void> {
    if (!this.saveOnStop) return
    // Before this volume is locked: otherwise two volumes that are copied to each other would deadlock.
    const path = await source.export()
    const copy = step(`copy volume ${source.vid}`, async () => {
      const { images } = this
      await images.removeFiles('import')
      await images.copyUnsynced(path, images.names.import, signal)
    })
    try {
      await this.#importInto((images) => {
        this.#refuseDuringImport()
        return [step('make the folder', () => images.makeFolder()), copy, ...this.#commitImport(images)]
      })
    } catch (error) {
      await endFailed(error, () => source.exportEnd(path))
    }
    await source.exportEnd(path)
  }

  /**
   * For a halted volume without an image of its own only the setting changes. A snapshot has at least the size of its source,
   * also when the source grows later.
   */
  async resize(size: bigint): Promise<void> {
    if (!this.rw) throw refusals.resizeReadOnly(this.vid)
    checkSize(size, this.vid)
    const { source } = this
    if (source && !this.pool.imageDriver.resizesSnapshots) throw refusals.resizeOfSnapshot(this.vid, source.vid)
    await this.#change('resize', async (images) => {
      const running = await images.stat(images.names.dirty)
      const least = await source?.committedSize()
      if (least !== undefined && size < least && !running) throw refusals.smallerThanSource(this.vid, size, least)
      const remember = step('remember the size', async () => {
        // A size equal to the source's is not stored, so that the volume follows when its source grows or shrinks.
        this.remembered = size === least ? 0n : size
      })
      if (running) return [...this.#resizeRunning(running.size, size), remember]
      const changes = this.saveOnStop && (await this.#liveSize()) !== size
      return changes ? [...protocol.resizeCommitted(images, size), remember] : [remember]
    })
  }

  get revert(): Volume['revert'] {
    return this.pool.capabilities.revert ? (id) => this.#revert(id) : undefined
  }

  get snapshot(): Volume['snapshot'] {
    return this.saveOnStop ? () => this.#snapshot() : undefined
  }

  get names(): ImageNames {
    return new ImageNames(`${this.pool.dirPath}/${this.vid}`)
  }

  /** True while an import is under way, whose file must stay. */
  get importing(): boolean {
    return this.#importing
  }

  /** The size of the committed image, 0 when there is none. */
  async committedSize(): Promise<bigint> {
    return (await this.images.stat(this.names.clean))?.size ?? 0n
  }

  protected get files(): Files {
    return this.pool.files
  }

  protected get images(): ImageFiles {
    return new ImageFiles(this.files, this.names, {
      revisionsToKeep: this.revisionsToKeep,
      precache: !this.snapshotsDisabled && this.pool.keepsPrecache,
      warn: this.pool.warn,
      noteAside: (path) => this.pool.asides.note(path),
    })
  }

  get #engine(): ImageEngine {
    return engineFor(this.kind, this.pool.os, this.pool.usesOverlays)
  }

  #asEngineVolume(images: ImageFiles): EngineVolume {
    return { images, size: this.remembered, inPlace: this.snapshotsDisabled, source: this.source }
  }

  /** The size of the dirty image, else of the committed image, else the larger one of the setting and the source's size. */
  async #liveSize(): Promise<bigint> {
    const { images, names } = this
    const stat = (await images.stat(names.dirty)) ?? (await images.stat(names.clean))
    if (stat) return stat.size
    const theirs = (await this.source?.committedSize()) ?? 0n
    return this.remembered > theirs ? this.remembered : theirs
  }

  async #verifyImage(): Promise<void> {
    const { clean, dirty } = this.names
    const present = await inspect('the state', this.vid, async () => {
      return (await this.images.exists(clean)) || (this.snapshotsDisabled && (await this.images.exists(dirty)))
    })
    if (!present) throw refusals.missingImage(this.vid, clean)
  }

  /** True while the domain writes the committed image, which cannot be copied then. */
  async #isUsedInPlace(): Promise<boolean> {
    return this.snapshotsDisabled && (await this.isDirty())
  }

  async #importData(size?: bigint): Promise<string> {
    await this.#importInto(async (images) => {
      this.#refuseDuringImport()
      const wanted = checkSize(size ?? (await this.#liveSize()), this.vid)
      return [
        step('make the folder', () => images.makeFolder()),
        step('make the image to fill', () => images.writeSparse(images.names.import, wanted)),
        step('begin', async () => {
          this.#importing = true
        }),
      ]
    })
    return this.names.import
  }

  async #importDataEnd(success: boolean): Promise<void> {
    await this.#importInto((images) => {
      if (!this.#importing) throw refusals.noImport(this.vid)
      this.#importing = false
      return success ? this.#commitImport(images) : [step('drop the import', () => images.removeFiles('import'))]
    })
  }

  async #revert(id?: string): Promise<void> {
    await this.#change('revert', async (images) => {
      this.#refuseDuringImport()
      if (await this.isDirty()) throw refusals.revertWhileDirty(this.vid)
      const all = await images.revisions()
      const chosen = id === undefined ? all.at(-1) : all.find(({ number }) => String(number) === id)
      if (!chosen) throw refusals.noRevision(this.vid, id)
      return [...protocol.revertTo(images, chosen.path), this.#rememberSize()]
    })
  }

  async #snapshot(): Promise<string> {
    if (this.revisionsToKeep <= 0) throw refusals.keepsNoRevisions(this.vid)
    return this.#locked(async () => {
      await this.#verifyImage()
      await runSteps('snapshot', this.vid, protocol.keepRevision(this.images))
      const newest = (await this.revisions()).at(-1)
      if (!newest) throw refusals.noRevision(this.vid, undefined)
      return newest.id
    })
  }

  #locked<T>(work: () => Promise<T>): Promise<T> {
    return this.pool.locks.run(this.vid, work)
  }

  #change(verb: string, plan: Plan): Promise<void> {
    return this.#locked(() => this.#carryOut(verb, plan))
  }

  async #carryOut(verb: string, plan: Plan): Promise<void> {
    await this.pool.ready()
    const { images } = this
    await runSteps(verb, this.vid, await inspect('the state', this.vid, async () => plan(images)))
  }

  /** As `#change`; when it fails, the import image goes too: the disk may be full. */
  #importInto(plan: Plan): Promise<void> {
    return this.#locked(async () => {
      try {
        await this.#carryOut('import into', plan)
      } catch (error) {
        await endFailed(error, () => (this.#importing ? undefined : this.images.removeFiles('import')))
      }
    })
  }

  #commitImport(images: ImageFiles): Step[] {
    return [...protocol.commit(images, images.names.import), this.#rememberSize()]
  }

  #rememberSize(): Step {
    return step('read the new size', async () => {
      this.remembered = await this.#liveSize()
    })
  }

  #resizeRunning(now: bigint, size: bigint): Step[] {
    if (size < now) throw refusals.shrinkWhileRunning(this.vid, now, size)
    const { dirty } = this.names
    return [
      step('grow the running copy', () => this.files.truncate(dirty, size)),
      step('make the new size durable', () => this.files.sync(dirty)),
      step('tell loop devices the new size', () => this.#refreshLoopDevices(dirty)),
    ]
  }

  /** Failures are only a warning: the volume has its new size already. */
  async #refreshLoopDevices(path: string): Promise<void> {
    try {
      await refreshLoopDevices(this.pool.os, path)
    } catch (error) {
      this.pool.warn(`Updating the size of the loop devices of ${path} failed: ${errorChain(error)}`)
    }
  }

  /** Refuses a start that would rename the committed image while another operation reads it by its path. */
  #refuseExported(): void {
    const mayStart = this.pool.imageDriver.startsWhileExported && !this.snapshotsDisabled
    if (this.#exports > 0 && !mayStart) throw refusals.startWhileExported(this.vid)
  }

  #refuseDuringImport(): void {
    if (this.#importing) throw refusals.importRuns(this.vid)
  }

  /** No driver of image files can encrypt yet; the clear text must not reach the disk (A.9). */
  #refuseUnencrypted(): void {
    if (!this.isEphemeral) return
    throw refusals.cannotEncrypt(this.vid, this.pool.name)
  }
}

/** @throws StoragePoolException when the source is not in the same pool */
function sourceIn(pool: ImagePool, source: Volume): ImageVolume {
  if (source instanceof ImageVolume && source.pool === pool) return source
  throw new StoragePoolException(msg`Source volume ${source.vid} must be in the same pool ${pool.name}`)
}

import {
  errorText,
  Mutex,
  msg,
  QubesNotImplementedError,
  QubesVMError,
  QubesVolumeRevisionNotFoundError,
  StoragePoolException,
} from '@cloister/kit'
import type { Files } from '@cloister/os'
import { refreshLoopDevices } from '../loop-devices.ts'
import { inspect, runSteps, type Step, step } from '../steps.ts'
import type { BlockDevice, Revision, Volume, VolumeConfig } from '../volume.ts'
import { checkSize } from '../volume-kinds.ts'
import { ImageFiles, identity } from './image-files.ts'
import { ImageNames } from './image-names.ts'
import type { ImagePool } from './image-pool.ts'
import * as protocol from './image-protocol.ts'
import { ImageVolumeSettings } from './image-volume-settings.ts'

/**
 * A volume whose states are raw image files in a folder (reference: storage-and-lifecycle, A.4). Nothing about the disk is
 * remembered here: each operation looks, so that it also works after a crash. Whether the domain runs shows in the dirty
 * image, which is there from start to stop (and after a crash, until the next stop).
 */
export class ImageVolume extends ImageVolumeSettings implements Volume {
  readonly source: ImageVolume | undefined
  #lock: Mutex | undefined
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
    return this.names.dirty
  }

  size(): Promise<bigint> {
    return inspect('the size', this.vid, () => this.liveSize())
  }

  usage(): Promise<bigint> {
    return inspect('the usage', this.vid, async () => {
      const { clean } = this.names
      const stat = (await this.images.stat(this.path)) ?? (await this.images.stat(clean))
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
      const mine = await this.images.adopted()
      const theirs = identity(await this.images.stat(source.names.clean))
      return mine !== undefined && theirs !== undefined && mine !== theirs
    })
  }

  revisions(): Promise<Revision[]> {
    return inspect('the revisions', this.vid, async () =>
      (await this.images.revisions()).map(({ number, time }) => ({ id: String(number), time })),
    )
  }

  async blockDevice(): Promise<BlockDevice | undefined> {
    return { path: this.path, format: 'raw', kind: 'file', rw: this.rw, disposable: !this.saveOnStop }
  }

  create(): Promise<void> {
    const removed = this.pool.removalBegan(this.vid)
    return this.#change('create', (images) =>
      this.saveOnStop
        ? protocol.createOrigin(images, checkSize(this.remembered, this.vid), removed)
        : protocol.createPassing(images, removed),
    )
  }

  async remove(): Promise<void> {
    this.pool.beginRemoval(this.vid)
    await this.#change('remove', (images) => [step('remove the files', () => images.removeAll())])
    this.#importing = false
    this.pool.forget(this)
  }

  /** @throws StoragePoolException when there is nothing to start from */
  async verify(): Promise<void> {
    await this.pool.ready()
    if (this.source) return this.source.verify()
    if (!this.saveOnStop) return
    const { clean, dirty } = this.names
    const present = await inspect('the state', this.vid, async () => {
      return (await this.images.exists(clean)) || (this.snapshotsDisabled && (await this.images.exists(dirty)))
    })
    if (!present) throw new StoragePoolException(msg`Missing image file ${clean} for volume ${this.vid}`)
  }

  start(): Promise<void> {
    return this.#change('start', async (images) => {
      this.#refuseDuringImport()
      this.#refuseUnencrypted()
      this.refuseExported(this.#exports)
      await this.source?.refuseInPlaceUse()
      return [step('remove what a crash left', () => images.removeLeftovers(false)), ...(await this.startSteps(images))]
    })
  }

  stop(): Promise<void> {
    return this.#change('stop', async (images) => {
      const tidy = step('remove what a crash left', () => images.removeLeftovers(this.#importing))
      if (!this.saveOnStop) return [tidy, ...protocol.stopPassing(images)]
      const { dirty } = images.names
      return (await images.exists(dirty)) ? [tidy, ...protocol.commit(images, dirty)] : [tidy]
    })
  }

  async export(): Promise<string> {
    this.#requireSaved('export')
    if (this.snapshotsDisabled && (await this.isDirty())) {
      throw new StoragePoolException(
        msg`Cannot export: ${this.vid} has snapshots disabled and is in use. Shut down its domain first`,
      )
    }
    await this.verify()
    this.#exports++
    return this.names.clean
  }

  async exportEnd(): Promise<void> {
    if (this.#exports > 0) this.#exports--
  }

  async importData(size?: bigint): Promise<string> {
    this.#requireSaved('import_data')
    await this.#change('import into', async (images) => {
      this.#refuseDuringImport()
      const wanted = checkSize(size ?? (await this.liveSize()), this.vid)
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

  /** @throws StoragePoolException when no import is under way: the daemon may have been restarted since */
  async importDataEnd(success: boolean): Promise<void> {
    await this.#importInto((images) => {
      if (!this.#importing) throw new StoragePoolException(msg`No import operation in progress on ${this.vid}`)
      this.#importing = false
      return success ? this.#commitImport(images) : [step('drop the import', () => images.removeFiles('import'))]
    })
  }

  async importVolume(source: Volume, signal?: AbortSignal): Promise<void> {
    if (!this.saveOnStop) return
    await this.#importInto((images) => {
      this.#refuseDuringImport()
      return [
        step('make the folder', () => images.makeFolder()),
        step(`copy volume ${source.vid}`, () => copyExported(images, source, signal)),
        ...this.#commitImport(images),
      ]
    })
  }

  /** A halted volume without an image of its own only remembers the size. */
  async resize(size: bigint): Promise<void> {
    if (!this.rw) throw new StoragePoolException(msg`Cannot resize: ${this.vid} is read-only`)
    checkSize(size, this.vid)
    await this.#change('resize', async (images) => {
      const { dirty } = images.names
      const running = await images.stat(dirty)
      const remember = step('remember the size', async () => {
        this.remembered = size
      })
      if (running) return [...this.#resizeRunning(running.size, size), remember]
      const changes = this.saveOnStop && (await this.liveSize()) !== size
      return changes ? [...protocol.resizeCommitted(images, size), remember] : [remember]
    })
  }

  async revert(id?: string): Promise<void> {
    await this.#change('revert', async (images) => {
      this.#refuseDuringImport()
      if (await this.isDirty()) throw new StoragePoolException(msg`Cannot revert: ${this.vid} is not cleanly stopped`)
      const all = await images.revisions()
      const chosen = id === undefined ? all.at(-1) : all.find(({ number }) => String(number) === id)
      if (!chosen) throw new QubesVolumeRevisionNotFoundError(msg`Volume ${this.vid} has no revision ${id ?? 'at all'}`)
      return [...protocol.revertTo(images, chosen.path), this.#rememberSize()]
    })
  }

  async snapshot(): Promise<string> {
    this.#requireSaved('snapshot')
    if (this.revisionsToKeep <= 0) {
      throw new StoragePoolException(msg`Cannot snapshot: ${this.vid} keeps no revisions. Set revisions_to_keep first`)
    }
    return this.lock.run(async () => {
      await this.verify()
      await runSteps('snapshot', this.vid, protocol.keepRevision(this.images))
      const newest = (await this.revisions()).at(-1)
      if (!newest) throw new StoragePoolException(msg`Cannot snapshot: the revision of ${this.vid} is gone`)
      return newest.id
    })
  }

  get names(): ImageNames {
    return new ImageNames(`${this.pool.dirPath}/${this.vid}`)
  }

  protected get files(): Files {
    return this.pool.files
  }

  protected get images(): ImageFiles {
    return new ImageFiles(this.files, this.names, {
      revisionsToKeep: this.revisionsToKeep,
      precache: !this.snapshotsDisabled && this.pool.keepsPrecache,
      warn: this.pool.warn,
    })
  }

  protected get lock(): Mutex {
    this.#lock ??= new Mutex()
    return this.#lock
  }

  /** The size of the running copy, else of the committed one, else the remembered or, if that is more, the source's. */
  protected async liveSize(): Promise<bigint> {
    const { clean, dirty } = this.names
    const stat = (await this.images.stat(dirty)) ?? (await this.images.stat(clean))
    if (stat) return stat.size
    const theirs = this.source ? await this.source.liveCleanSize() : 0n
    return this.remembered > theirs ? this.remembered : theirs
  }

  /** The size of the committed copy, 0 when there is none. */
  protected async liveCleanSize(): Promise<bigint> {
    return (await this.images.stat(this.names.clean))?.size ?? 0n
  }

  /** The steps that give the domain its disk. */
  protected async startSteps(images: ImageFiles): Promise<Step[]> {
    if (this.source) return this.snapshotSteps(images, this.source)
    if (this.kind === 'volatile') return protocol.startVolatile(images, checkSize(this.remembered, this.vid))
    const dirty = await images.exists(images.names.dirty)
    if (this.snapshotsDisabled) return protocol.startInPlace(images, dirty)
    return dirty ? [] : protocol.startOrigin(images)
  }

  protected snapshotSteps(images: ImageFiles, source: ImageVolume): Step[] {
    return protocol.startSnapshot(images, source.names.clean, this.remembered)
  }

  /** A reader of the committed image by its path would lose it if the domain got that very file. */
  protected refuseExported(exports: number): void {
    if (exports > 0 && this.snapshotsDisabled) {
      throw new StoragePoolException(msg`Cannot start: ${this.vid} is being exported`)
    }
  }

  /** @throws QubesVMError when the domain is writing the committed image, which nobody can copy then */
  protected async refuseInPlaceUse(): Promise<void> {
    if (this.snapshotsDisabled && (await this.isDirty())) throw new QubesVMError(msg`Volume ${this.vid} is running`)
  }

  #change(verb: string, plan: Plan): Promise<void> {
    return this.lock.run(() => this.#carryOut(verb, plan))
  }

  async #carryOut(verb: string, plan: Plan): Promise<void> {
    await this.pool.ready()
    const { images } = this
    await runSteps(verb, this.vid, await inspect('the state', this.vid, async () => plan(images)))
  }

  /** As `#change`; when it fails, the import image goes too: the disk may be full. */
  #importInto(plan: Plan): Promise<void> {
    return this.lock.run(async () => {
      try {
        await this.#carryOut('import into', plan)
      } catch (error) {
        if (!this.#importing) await this.images.removeFiles('import').catch((e) => this.pool.warn(errorText(e)))
        throw error
      }
    })
  }

  #commitImport(images: ImageFiles): Step[] {
    return [...protocol.commit(images, images.names.import), this.#rememberSize()]
  }

  #rememberSize(): Step {
    return step('read the new size', async () => {
      this.remembered = await this.liveSize()
    })
  }

  #resizeRunning(now: bigint, size: bigint): Step[] {
    if (size < now) {
      throw new StoragePoolException(msg`Cannot shrink ${this.vid} from ${now} to ${size} bytes: it is in use`)
    }
    return [
      step('grow the running copy', () => this.files.truncate(this.names.dirty, size)),
      step('make the new size durable', () => this.files.sync(this.names.dirty)),
      step('tell loop devices the new size', () => refreshLoopDevices(this.pool.os, this.names.dirty)),
    ]
  }

  #refuseDuringImport(): void {
    if (this.#importing) throw new StoragePoolException(msg`Import operation in progress on ${this.vid}`)
  }

  /** Nothing here can encrypt yet; the clear text must not reach the disk (A.9). */
  #refuseUnencrypted(): void {
    if (!this.isEphemeral) return
    throw new StoragePoolException(
      msg`Cannot start: ${this.vid} is ephemeral, and pool ${this.pool.name} cannot encrypt. Set ephemeral to False`,
    )
  }

  #requireSaved(operation: string): void {
    if (!this.saveOnStop) {
      throw new QubesNotImplementedError(msg`Cannot ${operation}: ${this.vid} is not save_on_stop`)
    }
  }
}

/** Looks at the state and says which steps it takes. */
type Plan = (images: ImageFiles) => readonly Step[] | Promise<readonly Step[]>

/** @throws StoragePoolException when the source is not in the same pool */
function sourceIn(pool: ImagePool, source: Volume): ImageVolume {
  if (source instanceof ImageVolume && source.pool === pool) return source
  throw new StoragePoolException(msg`Source volume ${source.vid} must be in the same pool ${pool.name}`)
}

/** Copies what another volume committed into the import image, which the commit will make durable. */
async function copyExported(images: ImageFiles, source: Volume, signal?: AbortSignal): Promise<void> {
  await images.removeFiles('import')
  const path = await source.export()
  try {
    await images.copyPassing(path, images.names.import, signal)
  } finally {
    await source.exportEnd(path)
  }
}

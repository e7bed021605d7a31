import { basename } from 'node:path'
import { msg, QubesNotImplementedError, StoragePoolException } from '@cloister/kit'
import type { ImageFiles } from '../../images/image-files.ts'
import type { ImagePool } from '../../images/image-pool.ts'
import * as protocol from '../../images/image-protocol.ts'
import { ImageVolume } from '../../images/image-volume.ts'
import type { Step } from '../../steps.ts'
import type { BlockDevice, Revision, VolumeConfig } from '../../volume.ts'

/**
 * A volume of the driver `file`: the files are those of `file-reflink`, the outward rules those of Qubes' `file`. Where the
 * file system cannot share blocks, a snapshot is a qcow2 file over a second name of its source's image.
 */
export class FileVolume extends ImageVolume {
  constructor(pool: ImagePool, vid: string, config: VolumeConfig) {
    // Only an origin has revisions.
    super(pool, vid, config.saveOnStop ? config : { ...config, revisionsToKeep: 0 })
    pool.checkRevisions(this.revisionsToKeep)
  }

  override get revisionsToKeep(): number {
    return super.revisionsToKeep
  }

  override set revisionsToKeep(value: number) {
    super.revisionsToKeep = this.pool.checkRevisions(value)
  }

  override get path(): string {
    return this.#usesOverlay ? this.names.overlay : this.names.dirty
  }

  override async blockDevice(): Promise<BlockDevice | undefined> {
    const device = await super.blockDevice()
    if (!device || !this.#usesOverlay) return device
    const backing: BlockDevice = { ...device, path: this.names.clean, rw: false }
    return { ...device, format: 'qcow2', backing }
  }

  override async revisions(): Promise<Revision[]> {
    return (await super.revisions()).slice(-1).map(({ time }) => ({ id: 'old', time }))
  }

  override async revert(): Promise<void> {
    throw new QubesNotImplementedError('Volume FileVolume has revert() not implemented')
  }

  override async resize(size: bigint): Promise<void> {
    if (this.snapOnStart) {
      throw new StoragePoolException('Cannot resize volume based on a template - resize the template instead')
    }
    await super.resize(size)
  }

  protected override snapshotSteps(images: ImageFiles, source: ImageVolume): Step[] {
    return this.#usesOverlay
      ? protocol.startOverlay(images, source.names.clean, () => this.#makeOverlay())
      : super.snapshotSteps(images, source)
  }

  protected override refuseExported(exports: number): void {
    if (exports > 0) {
      throw new StoragePoolException(msg`file pool cannot start a VM with an exported volume (${this.vid})`)
    }
  }

  get #usesOverlay(): boolean {
    return this.snapOnStart && !this.pool.reflink
  }

  /**
   * The file is there before qemu-img fills it, so that nobody else can read it. The image below it stands beside it and is
   * named without a folder: the driver of QEMU takes no other.
   */
  async #makeOverlay(): Promise<void> {
    const { clean, overlay } = this.names
    await this.files.create(overlay, { mode: 0o600 })
    const below = ['-b', basename(clean), '-F', 'raw']
    await this.pool.os.processes.run(['qemu-img', 'create', '-q', '-f', 'qcow2', ...below, overlay])
  }
}

import { ImagePool, type ImagePoolSettings } from '../../images/image-pool.ts'
import type { PoolCapabilities } from '../../pool.ts'
import type { VolumeConfig } from '../../volume.ts'
import { FileVolume } from './file-volume.ts'

/** Driver `file`: image files on any file system (reference: storage-and-lifecycle, A.5, the part for this product). */
export class FilePool extends ImagePool {
  override readonly driver: string = 'file'

  constructor(settings: ImagePoolSettings) {
    super(settings)
    this.checkRevisions(settings.revisionsToKeep)
  }

  override get capabilities(): PoolCapabilities {
    return { revert: false, maxRevisions: 1, reflink: this.reflink, createVolumes: true }
  }

  /** Where a clone is a whole copy, it would double the space that a halted domain takes. */
  override get keepsPrecache(): boolean {
    return this.reflink
  }

  protected override makeVolume(vid: string, config: VolumeConfig): FileVolume {
    return new FileVolume(this, vid, config)
  }

  /** Any file system will do. */
  protected override checkFolder(): void {}
}

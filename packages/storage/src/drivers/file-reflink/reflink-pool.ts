import { msg, StoragePoolException } from '@cloister/kit'
import { ImagePool, type ImagePoolSettings } from '../../images/image-pool.ts'
import { ImageVolume } from '../../images/image-volume.ts'
import type { PoolCapabilities } from '../../pool.ts'
import type { VolumeConfig } from '../../volume.ts'

/** Driver `file-reflink`: copies share blocks, so that they take neither time nor space (reference: storage-and-lifecycle, A.4). */
export class ReflinkPool extends ImagePool {
  override readonly driver: string = 'file-reflink'
  override readonly keepsPrecache: boolean = true
  readonly #setupCheck: boolean

  /** @param setupCheck whether `setup` refuses a file system that cannot share blocks */
  constructor(settings: ImagePoolSettings, setupCheck: boolean) {
    super(settings)
    this.#setupCheck = setupCheck
    this.checkRevisions(settings.revisionsToKeep)
  }

  override get capabilities(): PoolCapabilities {
    return { revert: true, maxRevisions: Number.MAX_SAFE_INTEGER, reflink: this.reflink, createVolumes: true }
  }

  protected override makeVolume(vid: string, config: VolumeConfig): ImageVolume {
    return new ImageVolume(this, vid, config)
  }

  protected override checkFolder(): void {
    if (this.reflink || !this.#setupCheck) return
    throw new StoragePoolException(
      msg`The file system of ${this.dirPath} cannot share blocks between files (reflink), so each start and stop of a domain would copy whole volumes: slow, and a waste of space. Use btrfs or XFS, or the driver file, or accept it with the option setup_check=False`,
    )
  }
}

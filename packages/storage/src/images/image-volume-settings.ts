import { msg, StoragePoolException } from '@cloister/kit'
import type { VolumeConfig } from '../volume.ts'
import { canBeEphemeral, checkEphemeral, snapshotsDisabled, type VolumeKind, volumeKind } from '../volume-kinds.ts'
import { isImageVid } from './image-names.ts'
import type { ImagePool } from './image-pool.ts'

/** The settings of a volume of image files: what is stored with its domain, not what is on the disk. */
export abstract class ImageVolumeSettings {
  readonly name: string
  readonly vid: string
  readonly pool: ImagePool
  readonly kind: VolumeKind
  rw: boolean
  /** The last known or chosen size, bytes. The size of an image on the disk is used instead where there is one. */
  protected remembered: bigint
  #revisionsToKeep: number
  #ephemeral: boolean | undefined

  /** @throws StoragePoolException, QubesNotImplementedError, QubesValueError when the config is not a possible one */
  constructor(pool: ImagePool, vid: string, config: VolumeConfig) {
    if (!isImageVid(vid)) {
      throw new StoragePoolException(
        msg`Invalid volume id ${vid} in pool ${pool.name}: use appvms/<domain>/<volume> or vm-templates/<domain>/<volume>`,
      )
    }
    this.kind = volumeKind(config)
    this.name = config.name
    this.vid = vid
    this.pool = pool
    this.rw = config.rw
    this.remembered = config.size ?? 0n
    const keeps = this.saveOnStop || pool.imageDriver.revisionsOfUnsaved
    this.#revisionsToKeep = keeps ? pool.checkRevisions(config.revisionsToKeep ?? pool.revisionsToKeep) : 0
    // A volume may have become read-only after it was made ephemeral.
    this.#ephemeral = checkEphemeral(config.ephemeral, { ...config, rw: true })
  }

  get snapOnStart(): boolean {
    return this.kind === 'snapshot'
  }

  get saveOnStop(): boolean {
    return this.kind === 'origin'
  }

  get revisionsToKeep(): number {
    return this.#revisionsToKeep
  }

  set revisionsToKeep(value: number) {
    this.#revisionsToKeep = this.pool.checkRevisions(value)
  }

  get ephemeral(): boolean | undefined {
    return this.#ephemeral
  }

  set ephemeral(value: boolean | undefined) {
    this.#ephemeral = checkEphemeral(value, this)
  }

  get isEphemeral(): boolean {
    return this.#ephemeral ?? (canBeEphemeral(this) && this.pool.ephemeralVolatile)
  }

  /** The config to store now, without the source. */
  protected settings(): VolumeConfig {
    return {
      name: this.name,
      vid: this.vid,
      snapOnStart: this.snapOnStart,
      saveOnStop: this.saveOnStop,
      rw: this.rw,
      revisionsToKeep: this.revisionsToKeep,
      ...(this.remembered > 0n && { size: this.remembered }),
      ...(this.#ephemeral !== undefined && { ephemeral: this.#ephemeral }),
    }
  }

  /** True when the domain writes the committed image itself. */
  get snapshotsDisabled(): boolean {
    return this.saveOnStop && this.revisionsToKeep === snapshotsDisabled
  }
}

import type { Volume, VolumeConfig } from './volume.ts'

/** What a pool's driver can do: asked instead of which driver it is. */
export interface PoolCapabilities {
  /** Volumes can go back to a revision. */
  readonly revert: boolean
  /** Most revisions a volume can keep. */
  readonly maxRevisions: number
  /** Copies inside the pool share blocks. Known once the pool is open. */
  readonly reflink: boolean
  /** Volumes can be made in the pool by name. Not so for kernels. */
  readonly createVolumes: boolean
}

/**
 * A place with volumes (reference: storage-and-lifecycle, A.1, A.12). Making the object touches no disk; `setup` and `open` do,
 * and before one of them has succeeded, what needs the disk is refused.
 */
export interface Pool {
  readonly name: string
  readonly driver: string
  readonly capabilities: PoolCapabilities
  /** Default for new volumes; -1 switches snapshots off. */
  revisionsToKeep: number
  /** Default of `ephemeral` for volatile volumes. */
  ephemeralVolatile: boolean

  /** Options as stored and shown, `driver` and `name` among them; values in Qubes' text form. */
  config(): Record<string, string>
  /** Makes the place ready for a new pool and opens it; undoes what it made when it fails. */
  setup(): Promise<void>
  /** Opens a place that was set up before, when the daemon starts. What a crash has left there is removed in the background. */
  open(): Promise<void>
  /** Closes the pool, so that another daemon can open it; never removes data. */
  close(): Promise<void>
  /** Closes the pool and removes the folders that `setup` made, as far as they are empty. */
  discard(): Promise<void>
  /** `data_size`, `data_usage`, … in bytes; empty when not known. */
  usageDetails(): Promise<Record<string, bigint>>
  /** The volume object for a config, the same one for the same `vid`; touches no disk. */
  initVolume(config: VolumeConfig): Volume
  /** Drops the object of a volume that was not made; touches no disk. */
  forget(volume: Volume): void
  /** The volume of that `vid`. @throws QubesVolumeNotFoundError */
  getVolume(vid: string): Volume
  listVolumes(): Promise<Volume[]>
  /**
   * Paths of images that were moved aside because a new volume took their names, as far as they are known; empty while the pool is
   * not open. Absent from a pool that moves none.
   */
  movedAside?(): Promise<readonly string[]>
  /** The name of another pool that holds this one. */
  includedIn(others: readonly Pool[]): Promise<string | undefined>
}

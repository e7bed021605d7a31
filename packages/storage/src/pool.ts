import type { Volume, VolumeConfig } from './volume.ts'

/** What a pool's driver can do: asked instead of which driver it is. */
export interface PoolCapabilities {
  /** Volumes can be revisions' owners and be reverted. */
  readonly revert: boolean
  /** Most revisions a volume can keep. */
  readonly maxRevisions: number
  /** Copies inside the pool share blocks. */
  readonly reflink: boolean
  /** Volumes can be made in it by name (not so for kernels). */
  readonly createVolumes: boolean
}

/**
 * A place that owns volumes (reference: storage-and-lifecycle, A.1, A.12). Making one touches no disk; `setup` does.
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
  /** Prepares the place; undoes what it made when it fails. */
  setup(): Promise<void>
  /** Takes hold of a place that was set up before, after a start of the daemon; also removes what a crash left over. */
  open(): Promise<void>
  /** Ends the use of the place; never removes data. */
  close(): Promise<void>
  /** Closes the pool and removes the folders that `setup` made, as far as they are empty. */
  discard(): Promise<void>
  /** `data_size`, `data_usage`, … in bytes; empty when not known. */
  usageDetails(): Promise<Record<string, bigint>>
  /** The volume object for a config, the same one for the same `vid`; touches no disk. */
  initVolume(config: VolumeConfig): Volume
  /** The volume of that `vid`. @throws QubesVolumeNotFoundError */
  getVolume(vid: string): Volume
  listVolumes(): Promise<Volume[]>
  /** The name of another pool that holds this one. */
  includedIn(others: readonly Pool[]): Promise<string | undefined>
}

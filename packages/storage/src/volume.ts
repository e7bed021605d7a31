import type { Pool } from './pool.ts'

/** How a volume belongs to a domain, as it is stored with it (reference: storage-and-lifecycle, A.1.3). */
export interface VolumeConfig {
  /** Role in the domain: `root`, `private`, …; letters, digits and `_`. */
  readonly name: string
  /** Chosen by the driver from `owner` when not given. */
  readonly vid?: string
  /** Folder-like prefix for a new vid: `appvms/<name>` or `vm-templates/<name>`. */
  readonly owner?: string
  readonly size?: bigint
  readonly rw: boolean
  readonly snapOnStart: boolean
  readonly saveOnStop: boolean
  readonly source?: Volume
  readonly revisionsToKeep?: number
  readonly ephemeral?: boolean
}

/** What a disk of a guest is made from. */
export interface BlockDevice {
  readonly path: string
  readonly format: 'raw' | 'qcow2'
  readonly kind: 'file' | 'block'
  readonly rw: boolean
  /** Nothing on it must survive: flushes may be skipped. */
  readonly disposable: boolean
  /** The image below, which holds what this one does not. It must be opened for reading only. */
  readonly backing?: BlockDevice
}

export interface Revision {
  readonly id: string
  /** UTC, `YYYY-MM-DDTHH:MM:SS`. */
  readonly time: string
}

/**
 * One volume (reference: storage-and-lifecycle, A.1, A.3, A.4). Operations that change it hold its lock; each is safe to die
 * in: the committed state is always the old or the new one. Errors are StoragePoolException unless said otherwise.
 */
export interface Volume {
  readonly name: string
  readonly pool: Pool
  readonly vid: string
  readonly snapOnStart: boolean
  readonly saveOnStop: boolean
  readonly source: Volume | undefined
  /** Setters check the value (kind of volume, pool) and throw QubesValueError and the like; they touch no disk. */
  rw: boolean
  revisionsToKeep: number
  /** Undefined: the pool decides. */
  ephemeral: boolean | undefined
  /** The effective value (A.9). */
  readonly isEphemeral: boolean

  /** The config to store now. */
  config(): VolumeConfig
  /** Live size in bytes. */
  size(): Promise<bigint>
  /** Bytes on disk. */
  usage(): Promise<bigint>
  /** Where the running domain's data lives; may be empty. */
  readonly path: string
  isDirty(): Promise<boolean>
  isOutdated(): Promise<boolean>
  /** Oldest first. */
  revisions(): Promise<Revision[]>
  /** The disk for the guest; undefined when there is none (a kernel without modules). */
  blockDevice(): Promise<BlockDevice | undefined>

  create(): Promise<void>
  remove(): Promise<void>
  verify(): Promise<void>
  start(): Promise<void>
  /** Commits or forgets; safe to call for a volume that never started. */
  stop(): Promise<void>
  /** A path with the committed content, until `exportEnd` is called with it. */
  export(): Promise<string>
  exportEnd(path: string): Promise<void>
  /** Begins an import; returns the path to fill, of `size` bytes. A second import or a start fails meanwhile. */
  importData(size?: bigint): Promise<string>
  /** Ends the import: commits it, or drops it. */
  importDataEnd(success: boolean): Promise<void>
  /** Takes over the committed content of another volume. */
  importVolume(source: Volume, signal?: AbortSignal): Promise<void>
  resize(size: bigint): Promise<void>
  /** Goes back to a revision, the newest when not given. @throws QubesVolumeRevisionNotFoundError */
  revert(id?: string): Promise<void>
  /** Makes a revision of the committed state now; returns its id. */
  snapshot(): Promise<string>
}

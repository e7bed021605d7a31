import { msg, QubesNotImplementedError } from '@cloister/kit'
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

/** The image or device that is a disk of a guest. */
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
 * in: the committed state is always the old or the new one. Errors are StoragePoolException unless said otherwise. An
 * operation that only some volumes can do is a member that may be missing.
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
  /**
   * A path with the committed content, which stays there until `exportEnd` is called with it: a domain that would write that
   * very file does not start meanwhile.
   */
  export(): Promise<string>
  exportEnd(path: string): Promise<void>
  /** Takes over the committed content of another volume. A volume that is not saved stays as it is. */
  importVolume(source: Volume, signal?: AbortSignal): Promise<void>
  resize(size: bigint): Promise<void>

  // What not every volume can: see `supported`.

  /**
   * Begins an import; returns the path to fill, of `size` bytes. A second import or a start fails meanwhile. Only for
   * volumes that are saved.
   */
  readonly importData?: ((size?: bigint) => Promise<string>) | undefined
  /** Ends the import: commits it, or drops it. */
  readonly importDataEnd?: ((success: boolean) => Promise<void>) | undefined
  /** Goes back to a revision, the newest when not given. @throws QubesVolumeRevisionNotFoundError */
  readonly revert?: ((id?: string) => Promise<void>) | undefined
  /** Makes a revision of the committed state now; returns its id. Only for volumes that are saved. */
  readonly snapshot?: (() => Promise<string>) | undefined
}

/** What not every volume can, as the end of a sentence. */
const abilities = {
  importData: 'take an import',
  importDataEnd: 'take an import',
  revert: 'go back to a revision (revert)',
  snapshot: 'make a revision on demand',
} as const

/**
 * An operation that not every volume can do.
 * @throws QubesNotImplementedError naming volume, pool and driver when this volume cannot
 */
export function supported<K extends keyof typeof abilities>(volume: Volume, name: K): NonNullable<Volume[K]> {
  const operation = volume[name]
  if (operation) return operation
  const { vid, pool } = volume
  throw new QubesNotImplementedError(
    msg`Volume ${vid} of pool ${pool.name} (driver ${pool.driver}) cannot ${abilities[name]}`,
  )
}

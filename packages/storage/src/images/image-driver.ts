import type { PoolCapabilities } from '../pool.ts'

/** Settings in which the drivers of image files differ. `reflink`: whether the file system of the pool can share blocks. */
export interface ImageDriver {
  /** The driver's name, as in a pool's configuration. */
  readonly name: string
  capabilities(reflink: boolean): PoolCapabilities
  /** Whether a copy is kept ready for the next start of each domain. */
  keepsPrecache(reflink: boolean): boolean
  /** Whether a snapshot is a qcow2 overlay of its source's image, not a copy. */
  usesOverlays(reflink: boolean): boolean
  /** Whether revisions are shown by their numbers; otherwise only the newest is shown, as `old`. */
  readonly numbersRevisions: boolean
  /** Whether volumes that are not saved accept `revisions_to_keep`, without effect. */
  readonly revisionsOfUnsaved: boolean
  /** Whether a snapshot can be made larger than its source. */
  readonly resizesSnapshots: boolean
  /** Whether a volume can start while its committed image is being read for a copy. */
  readonly startsWhileExported: boolean
  /** Why the driver refuses a folder of such a file system; undefined when it accepts the folder. */
  unsuitable(folder: string, reflink: boolean): string | undefined
}

import type { PoolCapabilities } from '../pool.ts'

/** What the drivers of image files differ in. `reflink`: whether the file system of the pool can share blocks. */
export interface ImageDriver {
  /** The driver's name, as in a pool's configuration. */
  readonly name: string
  capabilities(reflink: boolean): PoolCapabilities
  /** Whether a copy is kept ready for the next start of each domain. */
  keepsPrecache(reflink: boolean): boolean
  /** Whether a snapshot is a qcow2 file over its source's image, where others copy the image. */
  usesOverlays(reflink: boolean): boolean
  /** Whether revisions are shown by their numbers; otherwise the newest alone is shown, as `old`. */
  readonly numbersRevisions: boolean
  /** Whether volumes that are not saved have a setting for revisions, without an effect. */
  readonly revisionsOfUnsaved: boolean
  /** Whether a snapshot can be made larger than its source. */
  readonly resizesSnapshots: boolean
  /** Whether a volume can start while its committed image is being read for a copy. */
  readonly startsWhileExported: boolean
  /** Why a folder of such a file system does not suit the driver; undefined when it does. */
  unsuitable(folder: string, reflink: boolean): string | undefined
}

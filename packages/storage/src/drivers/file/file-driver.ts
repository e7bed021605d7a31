import type { ImageDriver } from '../../images/image-driver.ts'

/**
 * Driver `file`: image files on any file system (reference: storage-and-lifecycle, A.5, the part for this product). The files
 * are those of `file-reflink`; the behaviour that clients see is that of Qubes' `file`. Where the file system cannot share
 * blocks, a snapshot is a qcow2 file whose backing file is a hard link to its source's image, and there is no precache, which
 * would double the space of a halted domain.
 */
export const fileDriver: ImageDriver = {
  name: 'file',
  capabilities: (reflink) => ({ revert: false, maxRevisions: 1, reflink, createVolumes: true }),
  keepsPrecache: (reflink) => reflink,
  usesOverlays: (reflink) => !reflink,
  numbersRevisions: false,
  revisionsOfUnsaved: false,
  resizesSnapshots: false,
  startsWhileExported: false,
  unsuitable: () => undefined,
}

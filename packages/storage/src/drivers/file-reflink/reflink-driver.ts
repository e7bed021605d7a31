import type { ImageDriver } from '../../images/image-driver.ts'

/**
 * Driver `file-reflink`: copies share blocks, so that they take neither time nor space (reference: storage-and-lifecycle, A.4).
 * @param setupCheck whether a file system that cannot share blocks is refused
 */
export function reflinkDriver(setupCheck: boolean): ImageDriver {
  return {
    name: 'file-reflink',
    capabilities: (reflink) => ({
      revert: true,
      maxRevisions: Number.MAX_SAFE_INTEGER,
      reflink,
      createVolumes: true,
    }),
    keepsPrecache: () => true,
    usesOverlays: () => false,
    numbersRevisions: true,
    revisionsOfUnsaved: true,
    resizesSnapshots: true,
    startsWhileExported: true,
    unsuitable: (folder, reflink) =>
      reflink || !setupCheck
        ? undefined
        : `The file system of ${folder} cannot share blocks between files (reflink), so each start and stop of a domain would copy whole volumes: slow, and a waste of space. Use btrfs or XFS, or the driver file, or accept it with the option setup_check=False`,
  }
}

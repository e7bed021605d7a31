import {
  msg,
  QubesNotImplementedError,
  QubesVMError,
  QubesVolumeRevisionNotFoundError,
  StoragePoolException,
} from '@cloister/kit'

// Errors of volumes of image files: operations that the state of the volume forbids. Each says why, and what to do.

export const missingImage = (vid: string, path: string): StoragePoolException =>
  new StoragePoolException(msg`Missing image file ${path} for volume ${vid}`)

export const sourceRuns = (vid: string): QubesVMError =>
  new QubesVMError(
    msg`Volume ${vid} is running and keeps no older state (revisions_to_keep is -1): shut down its domain first`,
  )

export const nothingToExport = (vid: string): QubesNotImplementedError =>
  new QubesNotImplementedError(
    msg`Cannot copy or export volume ${vid}: it keeps nothing when its domain stops, so it has no content`,
  )

export const exportWhileRunning = (vid: string): StoragePoolException =>
  new StoragePoolException(
    msg`Cannot copy or export volume ${vid}: its domain runs, and it keeps no older state (revisions_to_keep is -1). Shut down its domain first`,
  )

export const startWhileExported = (vid: string): StoragePoolException =>
  new StoragePoolException(msg`Cannot start volume ${vid}: it is being copied or exported. Try again when that is done`)

export const importRuns = (vid: string): StoragePoolException =>
  new StoragePoolException(msg`Import operation in progress on ${vid}: wait for its end`)

/** Also thrown when the daemon was restarted since the import began. */
export const noImport = (vid: string): StoragePoolException =>
  new StoragePoolException(msg`No import operation in progress on ${vid}: begin it again`)

export const cannotEncrypt = (vid: string, pool: string): StoragePoolException =>
  new StoragePoolException(
    msg`Cannot start volume ${vid}: it is ephemeral, and pool ${pool} cannot encrypt. Set ephemeral to False`,
  )

export const resizeReadOnly = (vid: string): StoragePoolException =>
  new StoragePoolException(msg`Cannot resize volume ${vid}: it is read-only (rw is False)`)

export const resizeOfSnapshot = (vid: string, source: string): StoragePoolException =>
  new StoragePoolException(
    msg`Cannot resize volume ${vid}: it has the size of the volume that it is a copy of. Resize ${source} instead`,
  )

export const smallerThanSource = (vid: string, size: bigint, least: bigint): StoragePoolException =>
  new StoragePoolException(
    msg`Cannot resize volume ${vid} to ${size} bytes: at each start it begins as a copy of a volume of ${least} bytes`,
  )

export const shrinkWhileRunning = (vid: string, now: bigint, size: bigint): StoragePoolException =>
  new StoragePoolException(
    msg`Cannot shrink volume ${vid} from ${now} to ${size} bytes: its domain runs. Shut it down first`,
  )

export const revertWhileDirty = (vid: string): StoragePoolException =>
  new StoragePoolException(msg`Cannot revert volume ${vid}: it is not cleanly stopped. Shut down its domain first`)

export const noRevision = (vid: string, id: string | undefined): QubesVolumeRevisionNotFoundError =>
  new QubesVolumeRevisionNotFoundError(
    id === undefined ? msg`Volume ${vid} has no revision` : msg`Volume ${vid} has no revision ${id}`,
  )

export const keepsNoRevisions = (vid: string): StoragePoolException =>
  new StoragePoolException(msg`Cannot snapshot volume ${vid}: it keeps no revisions. Set revisions_to_keep first`)

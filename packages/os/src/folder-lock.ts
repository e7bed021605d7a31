import { CloisterError, libvirtCodes, msg } from '@cloister/kit'

/** The folder in a locked folder that holds the lock's file. Only this process's user can write to it. */
export const lockFolder = '.cloister'

/** A lock that this process has on a folder. */
export interface FolderLock {
  /** Releases the lock. A second call does nothing. */
  release(): Promise<void>
}

/**
 * Locks on folders that only one daemon may work in. The kernel holds them: they end with the process, also when it is killed, and
 * count in every container and pid namespace of the machine. Of any number of processes that try at once one gets the lock.
 */
export interface FolderLocks {
  /**
   * Locks a folder, which must exist. Its file system must let files be locked.
   * @throws FolderBusyError when a process, this one included, has the lock
   * @throws UnsafeFileError when another user owns the lock's file, or it is no file
   */
  take(folder: string): Promise<FolderLock>
}

/** Another process works in the folder. */
export class FolderBusyError extends CloisterError {
  static override readonly libvirtCode: number = libvirtCodes.operationInvalid
  /** The process that has the lock; undefined when it is not known, as in a container that does not see it. */
  readonly pid: number | undefined

  constructor(folder: string, pid: number | undefined) {
    super(
      pid === undefined
        ? msg`The folder ${folder} is in use by another daemon, perhaps of another container. Stop that daemon first`
        : msg`The folder ${folder} is in use by another daemon, process ${pid}. Stop that daemon first`,
    )
    this.pid = pid
  }
}

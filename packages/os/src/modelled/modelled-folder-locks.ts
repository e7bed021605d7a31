import type { Files } from '../files.ts'
import { FolderBusyError, type FolderLock, type FolderLocks } from '../folder-lock.ts'
import { systemError } from './faults.ts'

/** Locks of the modelled process: they end when it does. */
export class ModelledFolderLocks implements FolderLocks {
  readonly #files: Files
  readonly #held = new Map<string, FolderLock>()

  constructor(files: Files) {
    this.#files = files
  }

  async take(folder: string): Promise<FolderLock> {
    if ((await this.#files.stat(folder))?.kind !== 'folder') throw systemError('ENOENT', 'lock', folder)
    if (this.#held.has(folder)) throw new FolderBusyError(folder, process.pid)
    const lock: FolderLock = {
      release: async () => {
        if (this.#held.get(folder) === lock) this.#held.delete(folder)
      },
    }
    this.#held.set(folder, lock)
    return lock
  }

  /** The process that had the locks has ended. */
  end(): void {
    this.#held.clear()
  }
}

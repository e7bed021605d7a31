import { type Files, isForeignTemporary, removeIfPresent } from '@cloister/os'
import { isAsideName, ownerFolders } from './image-names.ts'

const importSuffix = '-import.img'

/** The part of a pool that a sweep uses. */
export interface SweptPool {
  readonly files: Files
  readonly dirPath: string
  /** False when the pool was closed meanwhile. */
  isOpen(): boolean
  /** Called with the path of each image that was moved aside. */
  noteAside(path: string): void
  /** Runs `work` under the lock of a volume, unless an import into the volume is under way. */
  whileNotImporting(vid: string, work: () => Promise<unknown>): Promise<void>
}

/**
 * Removes the files that a killed daemon has left in a pool: temporary files, and images of unfinished imports. A volume removes
 * its own at its next start or stop, but that may never come. Images that were moved aside stay, and the pool lists them.
 */
export async function sweep(pool: SweptPool): Promise<void> {
  const { files, dirPath } = pool
  await removeTemporaries(files, dirPath, await files.list(dirPath))
  for (const owner of ownerFolders) {
    for (const domain of await files.list(`${dirPath}/${owner}`)) {
      if (!pool.isOpen()) return
      const folder = `${dirPath}/${owner}/${domain}`
      if ((await files.stat(folder))?.kind !== 'folder') continue
      const names = await files.list(folder)
      await removeTemporaries(files, folder, names)
      for (const name of names.filter(isAsideName)) pool.noteAside(`${folder}/${name}`)
      for (const name of names.filter((each) => each.endsWith(importSuffix))) {
        const vid = `${owner}/${domain}/${name.slice(0, -importSuffix.length)}`
        await pool.whileNotImporting(vid, () => removeIfPresent(files, `${folder}/${name}`))
      }
    }
  }
}

async function removeTemporaries(files: Files, folder: string, names: readonly string[]): Promise<void> {
  for (const name of names.filter(isForeignTemporary)) await removeIfPresent(files, `${folder}/${name}`)
}

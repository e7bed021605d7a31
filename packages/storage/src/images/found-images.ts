import { errorCode, type Files } from '@cloister/os'
import { ownerFolders } from './image-names.ts'

/** The folders of domains below the folder of a pool of images, such as `appvms/work`; empty folders do not count. */
export async function findImages(files: Files, folder: string): Promise<string[]> {
  const found: string[] = []
  for (const owner of ownerFolders) {
    for (const domain of await namesIn(files, `${folder}/${owner}`)) {
      if ((await namesIn(files, `${folder}/${owner}/${domain}`)).length > 0) found.push(`${owner}/${domain}`)
    }
  }
  return found
}

async function namesIn(files: Files, folder: string): Promise<string[]> {
  try {
    return await files.list(folder)
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return []
    throw error
  }
}

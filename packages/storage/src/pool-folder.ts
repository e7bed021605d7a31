import { errorCode, type Files } from '@cloister/os'
import type { Pool } from './pool.ts'

/** The name of the pool whose folder holds that folder, the innermost one (reference: storage-and-lifecycle, A.4.7). */
export async function includedIn(files: Files, folder: string, others: readonly Pool[]): Promise<string | undefined> {
  const inner = await resolved(files, folder)
  let found: { readonly name: string; readonly depth: number } | undefined
  for (const pool of others) {
    const outer = await resolved(files, pool.config()['dir_path'])
    if (!inner || !outer || !inner.startsWith(`${outer === '/' ? '' : outer}/`)) continue
    if (outer.length > (found?.depth ?? 0)) found = { name: pool.name, depth: outer.length }
  }
  return found?.name
}

async function resolved(files: Files, folder: string | undefined): Promise<string | undefined> {
  try {
    return folder && (await files.resolve(folder))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Size and usage of the file system that holds the folder; empty when it is missing. */
export async function folderUsage(files: Files, folder: string): Promise<Record<string, bigint>> {
  try {
    const { total, free } = await files.space(folder)
    return { data_size: total, data_usage: total - free }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {}
    throw error
  }
}

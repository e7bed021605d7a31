import { lstat, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { findGroup } from './accounts.ts'
import { digestOf, type MadeItem } from './manifest.ts'

/** What stands in the place of an item: nothing, the item itself, or something else. */
export type Finding = 'absent' | 'same' | 'different'

/** No file that is made here is longer, in bytes. */
const fileLimit = 1 << 16

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined
    throw error
  }
}

/** Compares what stands in the place of an item with the item; no link is followed, nothing is changed. */
export async function inspect(root: string, item: MadeItem): Promise<Finding> {
  if (item.kind === 'group') return (await findGroup(root, item.name)) === undefined ? 'absent' : 'same'
  if (item.kind === 'member') {
    return (await findGroup(root, item.group))?.members.includes(item.user) === true ? 'same' : 'absent'
  }
  const path = join(root, item.path)
  const stat = await unlessMissing(lstat(path))
  if (stat === undefined) return 'absent'
  switch (item.kind) {
    case 'folder':
      return stat.isDirectory() ? 'same' : 'different'
    case 'link':
      return stat.isSymbolicLink() && (await readlink(path)) === item.target ? 'same' : 'different'
    case 'file': {
      if (!stat.isFile() || stat.size > fileLimit) return 'different'
      return digestOf(await readFile(path)) === item.digest ? 'same' : 'different'
    }
  }
}

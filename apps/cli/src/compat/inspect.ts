import { lstat, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf, type MadeItem } from './manifest.ts'

/** What is there instead of, or as, something that was or will be made. */
export type Finding = 'absent' | 'same' | 'different'

/** Longest file that can be ours, bytes. */
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

/** The number of a group in the file of groups below `root`; undefined when there is none. */
export async function groupIdOf(root: string, name: string): Promise<number | undefined> {
  const text = (await unlessMissing(readFile(join(root, '/etc/group'), 'utf8'))) ?? ''
  const line = text.split('\n').find((one) => one.startsWith(`${name}:`))
  const gid = line?.split(':')[2]
  return gid === undefined || !/^\d+$/.test(gid) ? undefined : Number(gid)
}

/** Compares what is there with what was or will be made; nothing is followed, nothing is changed. */
export async function inspect(root: string, item: MadeItem): Promise<Finding> {
  if (item.kind === 'group') return (await groupIdOf(root, item.name)) === undefined ? 'absent' : 'same'
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

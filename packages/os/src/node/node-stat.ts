import type { BigIntStats } from 'node:fs'
import * as fs from 'node:fs/promises'
import { errorCode, type FileStat } from '../files.ts'

/** What a path leads to, not following a last link; undefined when it leads to nothing. */
export async function statPath(path: string): Promise<FileStat | undefined> {
  try {
    return fileStat(await fs.lstat(path, { bigint: true }))
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}

/** What an open file is. */
export async function statHandle(file: fs.FileHandle): Promise<FileStat> {
  return fileStat(await file.stat({ bigint: true }))
}

function fileStat(stat: BigIntStats): FileStat {
  return {
    kind: kindOf(stat),
    device: stat.dev,
    inode: stat.ino,
    links: stat.nlink,
    size: stat.size,
    allocated: stat.blocks * 512n,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
  }
}

const kinds = [
  ['file', 'isFile'],
  ['folder', 'isDirectory'],
  ['link', 'isSymbolicLink'],
  ['fifo', 'isFIFO'],
  ['socket', 'isSocket'],
  ['device', 'isBlockDevice'],
  ['device', 'isCharacterDevice'],
] as const

function kindOf(stat: BigIntStats): FileStat['kind'] {
  return kinds.find(([, isKind]) => stat[isKind]())?.[0] ?? 'other'
}

import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import { CannotCloneError, cannotCloneCodes, errorCode, type FileStat, type Files, type FileWriter } from '../files.ts'
import type { Processes } from '../processes.ts'

/** A copy may take this long; it is watched by whoever asked for it. */
const copyTimeoutMs = 6 * 3600_000

/** The file system of the machine. No call blocks the event loop. */
export class NodeFiles implements Files {
  readonly #processes: Processes

  constructor(processes: Processes) {
    this.#processes = processes
  }

  async read(path: string, limit: number): Promise<Uint8Array> {
    const file = await fs.open(path, 'r')
    try {
      const chunks: Buffer[] = []
      let total = 0
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(65_536), 0, 65_536, null)
        if (bytesRead === 0) return Buffer.concat(chunks)
        total += bytesRead
        if (total > limit) throw new RangeError(`${path} is longer than ${limit} bytes`)
        chunks.push(buffer.subarray(0, bytesRead))
      }
    } finally {
      await file.close()
    }
  }

  async stat(path: string): Promise<FileStat | undefined> {
    try {
      const stat = await fs.lstat(path, { bigint: true })
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
      }
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
      throw error
    }
  }

  async list(folder: string): Promise<string[]> {
    return (await fs.readdir(folder)).sort()
  }

  async space(path: string): Promise<{ readonly total: bigint; readonly free: bigint }> {
    const { bsize, blocks, bfree } = await fs.statfs(path, { bigint: true })
    return { total: bsize * blocks, free: bsize * bfree }
  }

  resolve(path: string): Promise<string> {
    return fs.realpath(path)
  }

  async create(
    path: string,
    { size, data, mode = 0o600 }: { size?: bigint; data?: Uint8Array; mode?: number },
  ): Promise<void> {
    const file = await fs.open(path, 'wx', mode)
    try {
      if (data) await file.writeFile(data)
      if (size !== undefined) await file.truncate(Number(size))
    } finally {
      await file.close()
    }
  }

  async open(path: string): Promise<FileWriter> {
    const file = await fs.open(path, 'r+')
    return {
      write: async (bytes, position) => {
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await file.write(bytes, done, bytes.length - done, Number(position) + done)
          done += bytesWritten
        }
      },
      truncate: (size) => file.truncate(Number(size)),
      sync: () => file.datasync(),
      close: () => file.close(),
    }
  }

  async clone(from: string, to: string): Promise<void> {
    // A failed forced clone deletes its destination, so the name must be free.
    if (await this.stat(to)) throw Object.assign(new Error(`${to} exists`), { code: 'EEXIST' })
    try {
      await fs.copyFile(from, to, constants.COPYFILE_FICLONE_FORCE)
    } catch (error) {
      if (!cannotCloneCodes.has(errorCode(error))) throw error
      throw new CannotCloneError(`the file system of ${to} cannot share blocks with ${from}`, { cause: error })
    }
  }

  async copySparse(from: string, to: string, signal?: AbortSignal): Promise<void> {
    const options = { timeoutMs: copyTimeoutMs, ...(signal && { signal }) }
    await this.#processes.run(['cp', '--sparse=always', '--reflink=never', '--', from, to], options)
  }

  truncate(path: string, size: bigint): Promise<void> {
    return fs.truncate(path, Number(size))
  }

  setMode(path: string, mode: number): Promise<void> {
    return fs.chmod(path, mode)
  }

  setOwner(path: string, uid: number, gid: number): Promise<void> {
    return fs.lchown(path, uid, gid)
  }

  async setModified(path: string, ns: bigint): Promise<void> {
    // Seconds as a double are about a quarter of a microsecond off: aim at the middle of the microsecond.
    const seconds = (Number(ns / 1000n) + 0.5) / 1e6
    await fs.utimes(path, seconds, seconds)
  }

  async sync(path: string): Promise<void> {
    await syncOpened(await fs.open(path, 'r'))
  }

  async syncFolder(path: string): Promise<void> {
    await syncOpened(await fs.open(path, constants.O_RDONLY | constants.O_DIRECTORY))
  }

  rename(from: string, to: string): Promise<void> {
    return fs.rename(from, to)
  }

  link(from: string, to: string): Promise<void> {
    return fs.link(from, to)
  }

  unlink(path: string): Promise<void> {
    return fs.unlink(path)
  }

  async makeFolder(path: string, mode: number): Promise<{ readonly made: boolean }> {
    try {
      await fs.mkdir(path, mode)
      return { made: true }
    } catch (error) {
      if (errorCode(error) === 'EEXIST' && (await this.stat(path))?.kind !== 'file') return { made: false }
      throw error
    }
  }

  removeFolder(path: string): Promise<void> {
    return fs.rmdir(path)
  }

  async removeTree(path: string): Promise<void> {
    await fs.rm(path, { recursive: true, force: true })
  }
}

async function syncOpened(file: fs.FileHandle): Promise<void> {
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function kindOf(stat: {
  isFile(): boolean
  isDirectory(): boolean
  isSocket(): boolean
  isBlockDevice(): boolean
  isCharacterDevice(): boolean
}): FileStat['kind'] {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'folder'
  if (stat.isSocket()) return 'socket'
  return stat.isBlockDevice() || stat.isCharacterDevice() ? 'device' : 'other'
}

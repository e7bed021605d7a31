import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import {
  CannotCloneError,
  type ConfinedFolder,
  cannotCloneCodes,
  errorCode,
  type FileStat,
  type Files,
  type FileWriter,
} from '../files.ts'
import type { Processes } from '../processes.ts'
import { ConfinedPaths } from './confined-paths.ts'
import { copySparse } from './copy-sparse.ts'
import { statPath } from './node-stat.ts'
import { type Paths, plainPaths } from './paths.ts'

const readStep = 65_536

/** The file system of the machine. No call blocks the event loop, nor waits for another process. */
export class NodeFiles implements Files {
  readonly #processes: Processes
  readonly #paths: Paths

  /** @param paths how paths lead to files; as the system takes them when not given */
  constructor(processes: Processes, paths: Paths = plainPaths) {
    this.#processes = processes
    this.#paths = paths
  }

  async confine(folder: string): Promise<ConfinedFolder> {
    const paths = await ConfinedPaths.open(folder)
    return { files: new NodeFiles(this.#processes, paths), close: () => paths.close() }
  }

  read(path: string, limit: number): Promise<Uint8Array> {
    return this.#opened(path, constants.O_RDONLY, async (file) => {
      const chunks: Buffer[] = []
      let total = 0
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(readStep), 0, readStep, null)
        if (bytesRead === 0) return Buffer.concat(chunks)
        total += bytesRead
        if (total > limit) throw new RangeError(`${path} is longer than ${limit} bytes`)
        chunks.push(buffer.subarray(0, bytesRead))
      }
    })
  }

  async stat(path: string): Promise<FileStat | undefined> {
    try {
      return await this.#paths.at(path, statPath)
    } catch (error) {
      // A folder on the way is missing, or is none.
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
      throw error
    }
  }

  list(folder: string): Promise<string[]> {
    return this.#paths.inside(folder, async (name) => (await fs.readdir(name)).sort())
  }

  space(path: string): Promise<{ readonly total: bigint; readonly free: bigint }> {
    return this.#paths.inside(path, async (name) => {
      const { bsize, blocks, bfree } = await fs.statfs(name, { bigint: true })
      return { total: bsize * blocks, free: bsize * bfree }
    })
  }

  resolve(path: string): Promise<string> {
    return this.#paths.at(path, (name) => fs.realpath(name))
  }

  create(
    path: string,
    { size, data, mode = 0o600 }: { size?: bigint; data?: Uint8Array; mode?: number },
  ): Promise<void> {
    return this.#paths.at(path, async (name) => {
      const file = await fs.open(name, 'wx', mode)
      try {
        if (data) await file.writeFile(data)
        if (size !== undefined) await file.truncate(Number(size))
      } finally {
        await file.close()
      }
    })
  }

  async open(path: string): Promise<FileWriter> {
    const file = await this.#paths.open(path, constants.O_RDWR)
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

  clone(from: string, to: string): Promise<void> {
    return this.#opened(from, constants.O_RDONLY, (source) =>
      this.#paths.at(to, async (name) => {
        try {
          // Exclusive, because a forced clone that fails removes the file that it opened as its destination.
          await fs.copyFile(`/proc/self/fd/${source.fd}`, name, cloneOnly)
        } catch (error) {
          if (!cannotCloneCodes.has(errorCode(error))) throw error
          throw new CannotCloneError(`the file system of ${to} cannot share blocks with ${from}`, { cause: error })
        }
      }),
    )
  }

  copySparse(from: string, to: string, signal?: AbortSignal): Promise<void> {
    return this.#opened(from, constants.O_RDONLY, (source) =>
      this.#paths.at(to, async (name) => {
        const target = await fs.open(name, 'wx', 0o600)
        try {
          await copySparse(this.#processes, { source, target, from, to, ...(signal && { signal }) })
        } finally {
          await target.close()
        }
      }),
    )
  }

  truncate(path: string, size: bigint): Promise<void> {
    return this.#opened(path, constants.O_WRONLY, (file) => file.truncate(Number(size)))
  }

  setMode(path: string, mode: number): Promise<void> {
    return this.#paths.setMode(path, mode)
  }

  setOwner(path: string, uid: number, gid: number): Promise<void> {
    return this.#paths.at(path, (name) => fs.lchown(name, uid, gid))
  }

  setModified(path: string, ns: bigint): Promise<void> {
    // Seconds as a double are about a quarter of a microsecond off: aim at the middle of the microsecond.
    const seconds = (Number(ns / 1000n) + 0.5) / 1e6
    return this.#opened(path, constants.O_RDONLY, (file) => file.utimes(seconds, seconds))
  }

  sync(path: string): Promise<void> {
    return this.#opened(path, constants.O_RDONLY, (file) => file.sync())
  }

  syncFolder(path: string): Promise<void> {
    return this.#paths.inside(path, async (name) => {
      const folder = await fs.open(name, constants.O_RDONLY | constants.O_DIRECTORY)
      await folder.sync().finally(() => folder.close())
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#paths.at(from, (old) => this.#paths.at(to, (name) => fs.rename(old, name)))
  }

  link(from: string, to: string): Promise<void> {
    return this.#paths.at(from, (old) => this.#paths.at(to, (name) => fs.link(old, name)))
  }

  unlink(path: string): Promise<void> {
    return this.#paths.at(path, (name) => fs.unlink(name))
  }

  makeFolder(path: string, mode: number): Promise<{ readonly made: boolean }> {
    return this.#paths.at(path, async (name) => {
      try {
        await fs.mkdir(name, mode)
        return { made: true }
      } catch (error) {
        if (errorCode(error) === 'EEXIST' && (await statPath(name))?.kind !== 'file') return { made: false }
        throw error
      }
    })
  }

  removeFolder(path: string): Promise<void> {
    return this.#paths.at(path, (name) => fs.rmdir(name))
  }

  removeTree(path: string): Promise<void> {
    return this.#paths.at(path, (name) => fs.rm(name, { recursive: true, force: true }))
  }

  async #opened<T>(path: string, flags: number, work: (file: fs.FileHandle) => Promise<T>): Promise<T> {
    const file = await this.#paths.open(path, flags)
    try {
      return await work(file)
    } finally {
      await file.close()
    }
  }
}

const cloneOnly = constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL

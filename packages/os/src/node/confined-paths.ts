import { close, constants, open } from 'node:fs'
import * as fs from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { msg } from '@cloister/kit'
import { errorCode, UnsafeFileError } from '../files.ts'
import { checkFile, checkFolder, kindWords } from '../trusted-path.ts'
import { statHandle, statPath } from './node-stat.ts'
import { carefully, isWriting, ourselves, type Paths, plainPaths } from './paths.ts'

/** Opens a folder only as a place to look names up from: no permission to list it is needed. Node does not name this flag. */
const O_PATH = 0o10000000
const placeFlags = O_PATH | constants.O_DIRECTORY

/**
 * The paths below an open folder (see `ConfinedFolder`). Each look-up walks from the descriptor of that folder. Node has no
 * `openat`: `/proc/self/fd/<number>/<name>` does the same.
 */
export class ConfinedPaths implements Paths {
  readonly #root: string
  /** A bare descriptor: Node ends a process that forgets to close a handle. */
  readonly #folder: number

  private constructor(root: string, folder: number) {
    this.#root = root
    this.#folder = folder
  }

  static async open(folder: string): Promise<ConfinedPaths> {
    return new ConfinedPaths(resolve(folder), await promisify(open)(folder, placeFlags))
  }

  close(): Promise<void> {
    return promisify(close)(this.#folder)
  }

  at<T>(path: string, work: (name: string) => Promise<T>): Promise<T> {
    return this.inside(dirname(path), (name) => work(`${name}/${basename(path)}`))
  }

  async inside<T>(path: string, work: (name: string) => Promise<T>): Promise<T> {
    const opened: fs.FileHandle[] = []
    try {
      let [at, walked] = [nameOf(this.#folder), this.#root]
      for (const name of this.#namesTo(path)) {
        walked = `${walked}/${name}`
        const folder = await enter(at, name, walked)
        opened.push(folder)
        checkFolder(ourselves(), walked, await statHandle(folder))
        at = nameOf(folder.fd)
      }
      return await named(at, path, work)
    } finally {
      for (const folder of opened) await folder.close()
    }
  }

  /** A path outside the folder, such as the source of a copy, is opened as it stands. */
  open(path: string, flags: number): Promise<fs.FileHandle> {
    if (!this.#holds(path)) return plainPaths.open(path, flags)
    return this.at(path, async (name) => {
      const file = await fs.open(name, flags | carefully).catch((error: unknown) => refuseSpecial(name, path, error))
      try {
        checkFile(ourselves(), path, await statHandle(file), isWriting(flags))
        return file
      } catch (error) {
        await file.close()
        throw error
      }
    })
  }

  /** Works on the open file: by its path the system would follow a link. */
  async setMode(path: string, mode: number): Promise<void> {
    const file = await this.open(path, constants.O_RDONLY)
    await file.chmod(mode).finally(() => file.close())
  }

  #holds(path: string): boolean {
    return path.startsWith(this.#root === '/' ? '/' : `${this.#root}/`)
  }

  #namesTo(path: string): string[] {
    if (path === this.#root) return []
    const names = this.#holds(path) ? path.slice(this.#root.length).split('/').filter(Boolean) : ['..']
    if (!names.includes('..')) return names
    throw new UnsafeFileError(msg`${path} is not below the folder ${this.#root}`)
  }
}

function nameOf(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`
}

/** Opens the folder of that name in an open one. */
function enter(folder: string, name: string, path: string): Promise<fs.FileHandle> {
  return named(folder, dirname(path), async (above) => {
    try {
      return await fs.open(`${above}/${name}`, placeFlags | constants.O_NOFOLLOW)
    } catch (error) {
      return refuseSpecial(`${above}/${name}`, path, error)
    }
  })
}

/** @throws UnsafeFileError when the error of an open comes from what the name leads to */
async function refuseSpecial(name: string, path: string, error: unknown): Promise<never> {
  const special = ['ELOOP', 'ENXIO', 'ENOTDIR'].includes(errorCode(error) ?? '')
  const kind = special ? (await statPath(name))?.kind : undefined
  if (!kind || kind === 'file' || kind === 'folder') throw error
  throw new UnsafeFileError(msg`${path} is ${kindWords[kind]}, and is neither followed nor opened here`)
}

/** Runs `work` with the name of an open folder in `/proc`; in errors of the system the folder's path replaces that name. */
async function named<T>(name: string, path: string, work: (name: string) => Promise<T>): Promise<T> {
  try {
    return await work(name)
  } catch (error) {
    if (!(error instanceof Error) || errorCode(error) === undefined) throw error
    const shown = (text: unknown): unknown =>
      typeof text === 'string' ? text.replaceAll(`${name}/`, `${path}/`) : text
    const [place, dest] = [Reflect.get(error, 'path'), Reflect.get(error, 'dest')]
    throw Object.assign(error, { message: shown(error.message), path: shown(place), dest: shown(dest) })
  }
}

import { dirname } from 'node:path'
import { msg } from '@cloister/kit'
import { type ConfinedFolder, type FileStat, type Files, type FileWriter, UnsafeFileError } from '../files.ts'
import { checkFile, checkFolder, type Trust } from '../trusted-path.ts'

type Space = Awaited<ReturnType<Files['space']>>

/** Files of the model below one folder, with the checks of `ConfinedFolder`. */
export class ConfinedModelledFiles implements Files {
  readonly #all: Files
  readonly #root: string
  readonly #trust: Trust

  constructor(all: Files, root: string, trust: Trust) {
    this.#all = all
    this.#root = root
    this.#trust = trust
  }

  confine(folder: string): Promise<ConfinedFolder> {
    return this.#folder(folder, () => this.#all.confine(folder))
  }

  read(path: string, limit: number): Promise<Uint8Array> {
    return this.#file(path, false, () => this.#all.read(path, limit))
  }

  stat(path: string): Promise<FileStat | undefined> {
    return this.#name(path, () => this.#all.stat(path))
  }

  list(folder: string): Promise<string[]> {
    return this.#folder(folder, () => this.#all.list(folder))
  }

  space(path: string): Promise<Space> {
    return this.#folder(path, () => this.#all.space(path))
  }

  resolve(path: string): Promise<string> {
    return this.#name(path, () => this.#all.resolve(path))
  }

  create(path: string, content: Parameters<Files['create']>[1]): Promise<void> {
    return this.#name(path, () => this.#all.create(path, content))
  }

  open(path: string): Promise<FileWriter> {
    return this.#file(path, true, () => this.#all.open(path))
  }

  clone(from: string, to: string): Promise<void> {
    return this.#copied(from, to, () => this.#all.clone(from, to))
  }

  copySparse(from: string, to: string, signal?: AbortSignal): Promise<void> {
    return this.#copied(from, to, () => this.#all.copySparse(from, to, signal))
  }

  truncate(path: string, size: bigint): Promise<void> {
    return this.#file(path, true, () => this.#all.truncate(path, size))
  }

  setMode(path: string, mode: number): Promise<void> {
    return this.#name(path, () => this.#all.setMode(path, mode))
  }

  setOwner(path: string, uid: number, gid: number): Promise<void> {
    return this.#name(path, () => this.#all.setOwner(path, uid, gid))
  }

  setModified(path: string, ns: bigint): Promise<void> {
    return this.#file(path, false, () => this.#all.setModified(path, ns))
  }

  sync(path: string): Promise<void> {
    return this.#file(path, false, () => this.#all.sync(path))
  }

  syncFolder(path: string): Promise<void> {
    return this.#folder(path, () => this.#all.syncFolder(path))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#name(from, () => this.#name(to, () => this.#all.rename(from, to)))
  }

  link(from: string, to: string): Promise<void> {
    return this.#name(from, () => this.#name(to, () => this.#all.link(from, to)))
  }

  unlink(path: string): Promise<void> {
    return this.#name(path, () => this.#all.unlink(path))
  }

  makeFolder(path: string, mode: number): Promise<{ readonly made: boolean }> {
    return this.#name(path, () => this.#all.makeFolder(path, mode))
  }

  removeFolder(path: string): Promise<void> {
    return this.#name(path, () => this.#all.removeFolder(path))
  }

  removeTree(path: string): Promise<void> {
    return this.#name(path, () => this.#all.removeTree(path))
  }

  /** Checks every folder from the root to `folder`, as far as they exist, and then does the work. */
  async #folder<T>(folder: string, work: () => Promise<T>): Promise<T> {
    if (folder !== this.#root && !this.#holds(folder))
      throw new UnsafeFileError(msg`${folder} is not below the folder ${this.#root}`)
    for (let path = folder; path !== this.#root; path = dirname(path)) {
      const stat = await this.#all.stat(path)
      if (stat && stat.kind !== 'file') checkFolder(this.#trust, path, stat)
    }
    return work()
  }

  #name<T>(path: string, work: () => Promise<T>): Promise<T> {
    return this.#folder(dirname(path), work)
  }

  async #file<T>(path: string, writing: boolean, work: () => Promise<T>): Promise<T> {
    if (!this.#holds(path)) return work()
    return this.#name(path, async () => {
      const stat = await this.#all.stat(path)
      if (stat && stat.kind !== 'folder') checkFile(this.#trust, path, stat, writing)
      return work()
    })
  }

  #copied(from: string, to: string, work: () => Promise<void>): Promise<void> {
    return this.#file(from, false, () => this.#name(to, work))
  }

  #holds(path: string): boolean {
    return path.startsWith(this.#root === '/' ? '/' : `${this.#root}/`)
  }
}

import { basename, dirname, resolve } from 'node:path'
import type { Clock } from '../clock.ts'
import { CannotCloneError, type ConfinedFolder, type FileStat, type Files, type FileWriter } from '../files.ts'
import { ConfinedModelledFiles } from './confined-modelled-files.ts'
import { Faults, systemError } from './faults.ts'
import {
  type FileNode,
  type FolderNode,
  filesIn,
  forget,
  leaveSavedNames,
  type NameChange,
  type Node,
  save,
  setName,
} from './modelled-nodes.ts'
import { SparseContent } from './sparse-content.ts'

export interface ModelledFilesOptions {
  readonly clock: Clock
  /** Folders that are there from the beginning. */
  readonly folders?: readonly string[]
  /** Whether files can share blocks; true when not given. */
  readonly reflink?: boolean
  /** How far the times of two changes are apart at least; 1000 when not given, 0 for a clock as coarse as a kernel's. */
  readonly tickNs?: bigint
}

const device = 1n
/** The user that the modelled process runs as, and that owns what it makes. */
const ourUid = 0
const capacity = 1n << 40n

/**
 * A file system in memory with two views: what programs see, and what a power loss leaves. Content becomes durable by `sync` and
 * names by `syncFolder` alone, in any order. There are no symbolic links. Each call that changes something is a step (two,
 * where the process can die in the middle of the real call) that `faults` counts, records and lets fail.
 */
export class ModelledFiles implements Files {
  readonly faults: Faults = new Faults()
  readonly #clock: Clock
  readonly #reflink: boolean
  readonly #tickNs: bigint
  readonly #root: FolderNode
  #inodes = 0n
  #ticks = 0n
  /** Changes of names since the folders were synced, in groups that happen together. */
  #unsaved: NameChange[][] = []

  constructor({ clock, folders = [], reflink = true, tickNs = 1000n }: ModelledFilesOptions) {
    this.#clock = clock
    this.#reflink = reflink
    this.#tickNs = tickNs
    this.#root = this.#newFolder(0o755)
    for (const folder of folders) this.#makeForEver(folder)
  }

  async read(path: string, limit: number): Promise<Uint8Array> {
    this.faults.look()
    const { content } = this.#file('read', path)
    if (content.size > BigInt(limit)) throw new RangeError(`${path} is longer than ${limit} bytes`)
    return content.read(0n, limit)
  }

  /** Part of the content, for files too long to `read`. */
  peek(path: string, position: bigint, length: number): Uint8Array {
    return this.#file('read', path).content.read(position, length)
  }

  /** How many names lead to a file; undefined when there is no file. */
  linksOf(path: string): number | undefined {
    const node = this.#find(path)
    return node?.kind === 'file' ? node.links : undefined
  }

  async stat(path: string): Promise<FileStat | undefined> {
    this.faults.look()
    const node = this.#find(path)
    if (!node) return undefined
    const { kind, inode, mode, mtimeNs, ctimeNs, uid } = node
    const content = node.kind === 'file' ? node.content : new SparseContent()
    const links = BigInt(node.kind === 'file' ? node.links : 1)
    const { size, allocated } = content
    return { kind, device, inode, links, size, allocated, mtimeNs, ctimeNs, mode, uid }
  }

  async list(folder: string): Promise<string[]> {
    this.faults.look()
    return [...this.#folder('list', folder).names.keys()].sort()
  }

  async space(path: string): Promise<{ readonly total: bigint; readonly free: bigint }> {
    this.#existing('space', path)
    const used = [...new Set(filesIn(this.#root))].reduce((sum, { content }) => sum + content.allocated, 0n)
    return { total: capacity, free: capacity - used }
  }

  async resolve(path: string): Promise<string> {
    this.#existing('resolve', path)
    return resolve(path)
  }

  async create(
    path: string,
    { size, data, mode = 0o600 }: { size?: bigint; data?: Uint8Array; mode?: number },
  ): Promise<void> {
    const node = this.#place('create', path, mode)
    this.faults.step('fill', path)
    if (data) node.content.write(data, 0n)
    if (size !== undefined) node.content.truncate(size)
    this.#touch(node)
  }

  async open(path: string): Promise<FileWriter> {
    this.faults.look()
    const node = this.#file('open', path)
    const change = async (operation: string, work: () => void): Promise<void> => {
      this.faults.step(operation, path)
      work()
      if (operation !== 'sync') this.#touch(node)
    }
    return {
      write: (bytes, position) => change('write', () => node.content.write(bytes, position)),
      truncate: (size) => change('truncate', () => node.content.truncate(size)),
      sync: () => change('sync', () => save(node)),
      close: async () => {},
    }
  }

  async clone(from: string, to: string): Promise<void> {
    const { content, mode } = this.#file('clone', from)
    if (this.#find(to)) throw systemError('EEXIST', 'clone', to)
    if (!this.#reflink) throw new CannotCloneError(`cannot share blocks between ${from} and ${to}`)
    const node = this.#place('clone', to, mode)
    this.faults.step('fill', to)
    node.content = content.clone()
    this.#touch(node)
  }

  async copySparse(from: string, to: string): Promise<void> {
    const { content, mode } = this.#file('copySparse', from)
    const node = this.#place('copySparse', to, mode)
    node.content.truncate(content.size)
    this.faults.step('fill', to)
    node.content = content.cloneSparse()
    this.#touch(node)
  }

  async truncate(path: string, size: bigint): Promise<void> {
    const node = this.#file('truncate', path)
    this.faults.step('truncate', path)
    node.content.truncate(size)
    this.#touch(node)
  }

  async setMode(path: string, mode: number): Promise<void> {
    const node = this.#existing('setMode', path)
    this.faults.step('setMode', path)
    node.mode = mode
  }

  /** Owners are not forgotten in a power loss. */
  async setOwner(path: string, uid: number, _gid: number): Promise<void> {
    const node = this.#existing('setOwner', path)
    this.faults.step('setOwner', path)
    node.uid = uid
  }

  async setModified(path: string, ns: bigint): Promise<void> {
    const node = this.#existing('setModified', path)
    this.faults.step('setModified', path)
    node.mtimeNs = ns - (ns % 1000n)
  }

  async sync(path: string): Promise<void> {
    const node = this.#file('sync', path)
    this.faults.step('sync', path)
    save(node)
  }

  async syncFolder(path: string): Promise<void> {
    const folder = this.#folder('syncFolder', path)
    this.faults.step('syncFolder', path)
    folder.savedNames = new Map(folder.names)
    this.#unsaved = this.#unsaved
      .map((group) => group.filter((change) => change.folder !== folder))
      .filter((group) => group.length > 0)
  }

  async rename(from: string, to: string): Promise<void> {
    const node = this.#existing('rename', from)
    const target = this.#find(to)
    if (target?.kind === 'folder') throw systemError('EISDIR', 'rename', to)
    const [source, destination] = [this.#parent('rename', from), this.#parent('rename', to)]
    this.faults.step('rename', to, from)
    // Two names of one file: the system does nothing.
    if (target === node) return
    this.#change([
      { folder: source, name: basename(from), node: undefined },
      { folder: destination, name: basename(to), node },
    ])
  }

  async link(from: string, to: string): Promise<void> {
    const node = this.#file('link', from)
    this.#add('link', to, node)
  }

  async unlink(path: string): Promise<void> {
    this.#file('unlink', path)
    this.faults.step('unlink', path)
    this.#change([{ folder: this.#parent('unlink', path), name: basename(path), node: undefined }])
  }

  async makeFolder(path: string, mode: number): Promise<{ readonly made: boolean }> {
    this.faults.look()
    const known = this.#find(path)
    if (known?.kind === 'folder') return { made: false }
    this.#add('makeFolder', path, this.#newFolder(mode))
    return { made: true }
  }

  async removeFolder(path: string): Promise<void> {
    if (this.#folder('removeFolder', path).names.size > 0) throw systemError('ENOTEMPTY', 'removeFolder', path)
    this.faults.step('removeFolder', path)
    this.#change([{ folder: this.#parent('removeFolder', path), name: basename(path), node: undefined }])
  }

  async removeTree(path: string): Promise<void> {
    this.faults.look()
    const node = this.#find(path)
    if (!node) return
    if (node.kind === 'file') return this.unlink(path)
    for (const name of node.names.keys()) await this.removeTree(`${path}/${name}`)
    await this.removeFolder(path)
  }

  async confine(folder: string): Promise<ConfinedFolder> {
    this.faults.look()
    this.#folder('confine', folder)
    return { files: new ConfinedModelledFiles(this, resolve(folder), { uid: ourUid }), close: async () => {} }
  }

  /**
   * The power fails: what programs saw becomes what was durable. `survives` is asked about everything else: each change of a
   * name, each block; nothing survives when it is not given.
   */
  losePower(survives: () => boolean = () => false): void {
    for (const group of this.#unsaved) {
      if (survives()) for (const { folder, name, node } of group) setName(folder.savedNames, name, node)
    }
    this.#unsaved = []
    const files = leaveSavedNames(this.#root)
    for (const node of new Set(files)) {
      node.links = files.filter((other) => other === node).length
      forget(node, survives)
    }
  }

  #change(changes: readonly NameChange[]): void {
    for (const { folder, name, node } of changes) {
      const before = folder.names.get(name)
      if (before?.kind === 'file') before.links--
      if (node?.kind === 'file') node.links++
      setName(folder.names, name, node)
      this.#touch(folder)
    }
    this.#unsaved.push([...changes])
  }

  /** Gives `node` a new name. */
  #add(operation: string, path: string, node: Node): void {
    const folder = this.#parent(operation, path)
    if (folder.names.has(basename(path))) throw systemError('EEXIST', operation, path)
    this.faults.step(operation, path)
    this.#change([{ folder, name: basename(path), node }])
  }

  /** Makes an empty file of a new name. */
  #place(operation: string, path: string, mode: number): FileNode {
    const node = this.#newFile(mode)
    this.#add(operation, path, node)
    return node
  }

  #touch(node: Node): void {
    node.mtimeNs = this.#time()
    node.ctimeNs = node.mtimeNs
  }

  #time(): bigint {
    this.#ticks += this.#tickNs
    return BigInt(Math.floor(this.#clock.now())) * 1_000_000n + this.#ticks
  }

  #newFile(mode: number): FileNode {
    const [mtimeNs, content] = [this.#time(), new SparseContent()]
    const saved = { content: new SparseContent(), mode, mtimeNs }
    return {
      kind: 'file',
      inode: ++this.#inodes,
      links: 0,
      mode,
      uid: ourUid,
      mtimeNs,
      ctimeNs: mtimeNs,
      content,
      saved,
    }
  }

  #newFolder(mode: number): FolderNode {
    const mtimeNs = this.#time()
    const [names, savedNames] = [new Map<string, Node>(), new Map<string, Node>()]
    return {
      kind: 'folder',
      inode: ++this.#inodes,
      mode,
      uid: ourUid,
      mtimeNs,
      ctimeNs: mtimeNs,
      names,
      savedNames,
    }
  }

  #makeForEver(path: string): void {
    let at = this.#root
    for (const name of parts(path)) {
      const known = at.names.get(name)
      const next = known?.kind === 'folder' ? known : this.#newFolder(0o755)
      at.names.set(name, next)
      at.savedNames.set(name, next)
      at = next
    }
  }

  #find(path: string): Node | undefined {
    let at: Node | undefined = this.#root
    for (const name of parts(path)) at = at?.kind === 'folder' ? at.names.get(name) : undefined
    return at
  }

  #existing(operation: string, path: string): Node {
    this.faults.look()
    const node = this.#find(path)
    if (!node) throw systemError('ENOENT', operation, path)
    return node
  }

  #file(operation: string, path: string): FileNode {
    const node = this.#existing(operation, path)
    if (node.kind !== 'file') throw systemError('EISDIR', operation, path)
    return node
  }

  #folder(operation: string, path: string): FolderNode {
    const node = this.#existing(operation, path)
    if (node.kind !== 'folder') throw systemError('ENOTDIR', operation, path)
    return node
  }

  #parent(operation: string, path: string): FolderNode {
    return this.#folder(operation, dirname(path))
  }
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}

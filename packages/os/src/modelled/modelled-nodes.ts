import type { SparseContent } from './sparse-content.ts'

/** What a file is besides its name. */
export interface FileState {
  readonly content: SparseContent
  readonly mode: number
  readonly mtimeNs: bigint
}

export interface FileNode extends FileState {
  readonly kind: 'file'
  readonly inode: bigint
  links: number
  content: SparseContent
  mode: number
  uid: number
  mtimeNs: bigint
  ctimeNs: bigint
  /** What a power loss leaves for certain. */
  saved: FileState
}

export interface FolderNode {
  readonly kind: 'folder'
  readonly inode: bigint
  mode: number
  uid: number
  mtimeNs: bigint
  ctimeNs: bigint
  names: Map<string, Node>
  /** The names that a power loss leaves for certain. */
  savedNames: Map<string, Node>
}

export type Node = FileNode | FolderNode

/** A name in a folder, and what it leads to from now on; undefined: the name is removed. */
export interface NameChange {
  readonly folder: FolderNode
  readonly name: string
  readonly node: Node | undefined
}

/** Every file under a folder, once for each of its names. */
export function filesIn(folder: FolderNode): FileNode[] {
  return [...folder.names.values()].flatMap((node) => (node.kind === 'file' ? [node] : filesIn(node)))
}

/** Leaves the durable names only; returns what `filesIn` would then. */
export function leaveSavedNames(folder: FolderNode): FileNode[] {
  folder.names = new Map(folder.savedNames)
  return [...folder.names.values()].flatMap((node) => (node.kind === 'file' ? [node] : leaveSavedNames(node)))
}

/** Makes a name lead to a node; removes the name when there is no node. */
export function setName(names: Map<string, Node>, name: string, node: Node | undefined): void {
  if (node) names.set(name, node)
  else names.delete(name)
}

/** Makes the present content, mode and time of a file durable. */
export function save(node: FileNode): void {
  const { content, mode, mtimeNs } = node
  node.saved = { content: content.clone(), mode, mtimeNs }
}

/** Leaves of a file what a power loss may leave. */
export function forget(node: FileNode, survives: () => boolean): void {
  const { mode, mtimeNs } = survives() ? node : node.saved
  Object.assign(node, { mode, mtimeNs, content: node.content.survivors(node.saved.content, survives) })
  save(node)
}

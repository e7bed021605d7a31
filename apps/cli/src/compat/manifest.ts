import { createHash } from 'node:crypto'
import { lstat, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { exitStatus } from '../exit-status.ts'
import type { Item } from './plan.ts'

/** What was made, so that it can be told from what somebody else made. */
export type MadeItem =
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly digest: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }

/** Where the record is. */
export const manifestPath = '/etc/cloister/qubes-compat.json'

const formatVersion = 1
const manifestMode = 0o644
/** Bytes. */
const limit = 1 << 20

/** What a file holds, in few characters. */
export function digestOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** An item as it is recorded. */
export function madeFrom(item: Item): MadeItem {
  switch (item.kind) {
    case 'group':
      return { kind: 'group', name: item.name }
    case 'folder':
      return { kind: 'folder', path: item.path }
    case 'link':
      return { kind: 'link', path: item.path, target: item.target }
    case 'file':
      return { kind: 'file', path: item.path, digest: digestOf(item.content) }
  }
}

/** By which items are told apart. */
export function keyOf(item: Item | MadeItem): string {
  return item.kind === 'group' ? `group ${item.name}` : item.path
}

/** True for a folder in which the record itself is: it is made before that, and goes after it. */
export function holdsManifest(item: Item | MadeItem): boolean {
  return item.kind === 'folder' && manifestPath.startsWith(`${item.path}/`)
}

/** Which texts a record of each kind has. */
const fields: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['group', ['name']],
  ['folder', ['path']],
  ['file', ['path', 'digest']],
  ['link', ['path', 'target']],
])

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** Only paths that lead straight down are removed. */
function isPlainPath(path: unknown): boolean {
  return (
    typeof path === 'string' && path.startsWith('/') && !path.split('/').some((part) => part === '..' || part === '.')
  )
}

function isMadeItem(value: unknown): value is MadeItem {
  if (!isObject(value)) return false
  const names = fields.get(value['kind'])
  if (names === undefined || names.some((name) => typeof value[name] !== 'string')) return false
  return value['kind'] === 'group' ? /^[a-z_][a-z0-9_-]*$/.test(String(value['name'])) : isPlainPath(value['path'])
}

function parse(text: string): readonly MadeItem[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isKnown = isObject(value) && value['version'] === formatVersion
    if (!isKnown || !Array.isArray(value['made'])) return undefined
    const made: readonly unknown[] = value['made']
    return made.every(isMadeItem) ? made : undefined
  } catch {
    return undefined
  }
}

/** The record of what was made below `root`; empty when nothing was. @throws CliError when it cannot be understood */
export async function readManifest(root: string): Promise<readonly MadeItem[]> {
  const path = join(root, manifestPath)
  let text: string
  try {
    if ((await lstat(path)).size > limit) throw new CliError(`${path} is too long`, exitStatus.failure)
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  const made = parse(text)
  if (made !== undefined) return made
  const hint = 'repair it, or remove it and what it names by hand'
  throw new CliError(`${path} is not a record of what was made`, exitStatus.failure, hint)
}

/** Records what is made from now on; what is recorded may not exist yet, what exists is always recorded. */
export async function writeManifest(root: string, made: readonly MadeItem[]): Promise<void> {
  const path = join(root, manifestPath)
  await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  const temporary = `${path}.new`
  const content = `${JSON.stringify({ version: formatVersion, made }, undefined, 2)}\n`
  await writeFile(temporary, content, { mode: manifestMode, flush: true })
  await rename(temporary, path)
}

/** Forgets everything. */
export async function removeManifest(root: string): Promise<void> {
  await unlink(join(root, manifestPath))
}

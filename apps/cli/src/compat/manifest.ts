import { createHash } from 'node:crypto'
import { lstat, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { exitStatus } from '../exit-status.ts'
import type { Item } from './plan.ts'

/** What was made, with what tells it from the work of others. */
export type MadeItem =
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'member'; readonly group: string; readonly user: string }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly digest: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }

/** Where the record is. */
export const manifestPath = '/etc/cloister/qubes-compat.json'

const formatVersion = 1
const manifestMode = 0o644
/** Bytes. */
const limit = 1 << 20

/** The digest of the content of a file. */
export function digestOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** An item as it is recorded. */
export function madeFrom(item: Item): MadeItem {
  switch (item.kind) {
    case 'group':
      return { kind: 'group', name: item.name }
    case 'member':
      return { kind: 'member', group: item.group, user: item.user }
    case 'folder':
      return { kind: 'folder', path: item.path }
    case 'link':
      return { kind: 'link', path: item.path, target: item.target }
    case 'file':
      return { kind: 'file', path: item.path, digest: digestOf(item.content) }
  }
}

/** True for a folder that holds the record itself: it is made before the record and removed after it. */
export function holdsManifest(item: Item | MadeItem): boolean {
  return item.kind === 'folder' && manifestPath.startsWith(`${item.path}/`)
}

/** The fields of a record of each kind; all of them are texts. */
const fields: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['group', ['name']],
  ['member', ['group', 'user']],
  ['folder', ['path']],
  ['file', ['path', 'digest']],
  ['link', ['path', 'target']],
])

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** True for an absolute path without `.` and `..`: nothing else is removed. */
function isPlainPath(path: unknown): boolean {
  return (
    typeof path === 'string' && path.startsWith('/') && !path.split('/').some((part) => part === '..' || part === '.')
  )
}

/** What programs for users and groups take as a name. */
const accountName = /^[a-z_][a-z0-9_-]*$/

function hasForm(field: string, value: unknown): boolean {
  return field === 'path' ? isPlainPath(value) : accountName.test(String(value))
}

function isMadeItem(value: unknown): value is MadeItem {
  if (!isObject(value)) return false
  const names = fields.get(value['kind'])
  if (names === undefined || names.some((name) => typeof value[name] !== 'string')) return false
  return names.every((name) => name === 'digest' || name === 'target' || hasForm(name, value[name]))
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

/** Records what is made from now on: all that exists is recorded; what is recorded may not exist yet. */
export async function writeManifest(root: string, made: readonly MadeItem[]): Promise<void> {
  const path = join(root, manifestPath)
  await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  const temporary = `${path}.new`
  const content = `${JSON.stringify({ version: formatVersion, made }, undefined, 2)}\n`
  await writeFile(temporary, content, { mode: manifestMode, flush: true })
  await rename(temporary, path)
}

/** Removes the record. */
export async function removeManifest(root: string): Promise<void> {
  await unlink(join(root, manifestPath))
}

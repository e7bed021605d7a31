import { dirname, join } from 'node:path'
import { version } from '../version.ts'

/** Something that the tools of Qubes OS expect to find. Paths are those of the system that is prepared. */
export type Item =
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number; readonly group?: string }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }

export interface PlanOptions {
  /** The daemon's run folder. */
  readonly run: string
  /** Full path of the command `cloister`. */
  readonly command: string
  /** The system is not the one that runs: what can only be done to that is left to its next start. */
  readonly isOffline: boolean
}

const group = 'qubes'
/** Where the daemon looks for backup profiles. */
const backups = '/etc/cloister/backup'
const note = '# Made by `cloister compat install`; `cloister compat remove` removes it.'
const sockets = ['qubesd.sock', 'qubesd.internal.sock', 'qubesd.misc.sock'] as const
const services = '/etc/qubes-rpc'
/** Anybody may look, root may change. */
const publicFolder = 0o755
const publicFile = 0o644
const program = 0o755
/** What is backed up, and sometimes a passphrase. */
const backupFolder = 0o770

/** A word for a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** The program of a service: the tools run it with the domains in its environment and the volume as its argument. */
function serviceScript({ run, command }: PlanOptions): string {
  return [
    '#!/bin/sh',
    note,
    `exec ${quoted(command)} --socket ${quoted(join(run, 'qubesd.sock'))} compat serve "\${0##*/}" "$@"`,
    '',
  ].join('\n')
}

/** `/run` is empty after a boot: what makes the links again then. */
function temporaryFiles(links: readonly Extract<Item, { kind: 'link' }>[], isOffline: boolean): string {
  const lines = links.map(({ path, target }) => `L ${path} - - - - ${target}`)
  const owner = isOffline ? [`z ${backups} 0${backupFolder.toString(8)} root ${group} - -`] : []
  return [note, ...lines, ...owner, ''].join('\n')
}

/** The group, or for a system that does not run what makes it there. */
function groupItem(isOffline: boolean): Item {
  if (!isOffline) return { kind: 'group', name: group }
  const path = '/usr/lib/sysusers.d/cloister-qubes.conf'
  return { kind: 'file', path, mode: publicFile, content: `${note}\ng ${group} -\n` }
}

/** All folders above a path, the outermost first. */
function foldersAbove(path: string): string[] {
  const parent = dirname(path)
  return parent === '/' ? [] : [...foldersAbove(parent), parent]
}

function withFolders(items: readonly Item[]): Item[] {
  const known = new Set(items.flatMap((item) => (item.kind === 'folder' ? [item.path] : [])))
  const paths = items.flatMap((item) => (item.kind === 'group' ? [] : foldersAbove(item.path)))
  const missing = [...new Set(paths)].filter((path) => !known.has(path))
  return [...missing.map((path): Item => ({ kind: 'folder', path, mode: publicFolder })), ...items]
}

/** Everything in the order in which it is made (reference: admin-api, 1.1 and 1.4; design: names and places). */
export function planOf(options: PlanOptions): readonly Item[] {
  const links = sockets.map(
    (name) => ({ kind: 'link', path: `/run/${name}`, target: join(options.run, name) }) as const,
  )
  const script = serviceScript(options)
  const service = (name: string): Item => ({ kind: 'file', path: join(services, name), mode: program, content: script })
  return withFolders([
    groupItem(options.isOffline),
    { kind: 'folder', path: backups, mode: backupFolder, group },
    {
      kind: 'file',
      path: '/etc/qubes-release',
      mode: publicFile,
      content: `Qubes release 4.3 (Cloister ${version})\n`,
    },
    service('admin.vm.volume.Import'),
    { kind: 'link', path: join(services, 'admin.vm.volume.ImportWithSize'), target: 'admin.vm.volume.Import' },
    service('admin.vm.Console'),
    { kind: 'link', path: '/etc/qubes/backup', target: backups },
    {
      kind: 'file',
      path: '/etc/tmpfiles.d/cloister-qubes.conf',
      mode: publicFile,
      content: temporaryFiles(links, options.isOffline),
    },
    ...links,
  ])
}

/** What an item is called. */
export function itemName(item: Item): string {
  return item.kind === 'group' ? `group ${item.name}` : item.path
}

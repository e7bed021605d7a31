import { dirname, join } from 'node:path'
import { version } from '../version.ts'
import { helperPrograms } from './programs.ts'

/** Something that the tools of Qubes OS expect to find. Paths are those of the system that is prepared. */
export type Item =
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'member'; readonly group: string; readonly user: string }
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number; readonly group?: string }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }

export interface PlanOptions {
  /** The daemon's run folder. */
  readonly run: string
  /** Full path of the command `cloister`. */
  readonly command: string
  /** The user who becomes a member of the group `qubes`. */
  readonly user: string
  /** The system that is prepared is not the one that runs: its groups are made when it starts. */
  readonly isOffline: boolean
}

const group = 'qubes'
/** Where the daemon looks for backup profiles. */
const backups = '/etc/cloister/backup'
const note = '# Made by `cloister compat install`; `cloister compat remove` removes it.'
const sockets = ['qubesd.sock', 'qubesd.internal.sock', 'qubesd.misc.sock'] as const
const services = '/etc/qubes-rpc'
/** Everyone may read, root may write. */
const publicFolder = 0o755
const publicFile = 0o644
const program = 0o755
/** A backup profile can hold a passphrase. */
const backupFolder = 0o770

/** The text as one word of a shell command. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** A program of `sh`. */
function shellProgram(path: string, lines: readonly string[]): Item {
  return { kind: 'file', path, mode: program, content: ['#!/bin/sh', note, ...lines, ''].join('\n') }
}

/** The program of a service: the tools run it with the domains in its environment and the volume as its argument. */
function service(name: string, { run, command }: PlanOptions): Item {
  const socket = quoted(join(run, 'qubesd.sock'))
  return shellProgram(join(services, name), [
    `exec ${quoted(command)} --socket ${socket} compat serve "\${0##*/}" "$@"`,
  ])
}

/** The file of systemd-tmpfiles that makes the links again at each boot, after which `/run` is empty. */
function temporaryFiles(links: readonly Extract<Item, { kind: 'link' }>[], isOffline: boolean): string {
  const lines = links.map(({ path, target }) => `L ${path} - - - - ${target}`)
  const owner = isOffline ? [`z ${backups} 0${backupFolder.toString(8)} root ${group} - -`] : []
  return [note, ...lines, ...owner, ''].join('\n')
}

/** The group with its member; for a system that does not run, the file of systemd-sysusers that makes both. */
function groupItems({ isOffline, user }: PlanOptions): readonly Item[] {
  if (!isOffline) {
    return [
      { kind: 'group', name: group },
      { kind: 'member', group, user },
    ]
  }
  const path = '/usr/lib/sysusers.d/cloister-qubes.conf'
  return [{ kind: 'file', path, mode: publicFile, content: `${note}\ng ${group} -\nm ${user} ${group}\n` }]
}

/** All folders above a path, the outermost first. */
function foldersAbove(path: string): string[] {
  const parent = dirname(path)
  return parent === '/' ? [] : [...foldersAbove(parent), parent]
}

function withFolders(items: readonly Item[]): Item[] {
  const known = new Set(items.flatMap((item) => (item.kind === 'folder' ? [item.path] : [])))
  const paths = items.flatMap((item) => ('path' in item ? foldersAbove(item.path) : []))
  const missing = [...new Set(paths)].filter((path) => !known.has(path))
  return [...missing.map((path): Item => ({ kind: 'folder', path, mode: publicFolder })), ...items]
}

/** Everything in the order in which it is made (reference: admin-api, 1.1 and 1.4; design: names and places). */
export function planOf(options: PlanOptions): readonly Item[] {
  const links = sockets.map(
    (name) => ({ kind: 'link', path: `/run/${name}`, target: join(options.run, name) }) as const,
  )
  return withFolders([
    ...groupItems(options),
    { kind: 'folder', path: backups, mode: backupFolder, group },
    {
      kind: 'file',
      path: '/etc/qubes-release',
      mode: publicFile,
      content: `Qubes release 4.3 (Cloister ${version})\n`,
    },
    service('admin.vm.volume.Import', options),
    { kind: 'link', path: join(services, 'admin.vm.volume.ImportWithSize'), target: 'admin.vm.volume.Import' },
    service('admin.vm.Console', options),
    ...helperPrograms.map(({ path, script }) => shellProgram(path, script)),
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

/** What an item is called; no two items of a plan have the same name. */
export function itemName(
  item: { readonly path: string } | { readonly name: string } | { readonly group: string; readonly user: string },
): string {
  if ('path' in item) return item.path
  return 'name' in item ? `group ${item.name}` : `member ${item.user} of group ${item.group}`
}

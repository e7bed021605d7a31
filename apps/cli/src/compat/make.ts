import { chmod, chown, link, mkdir, rename, rm, rmdir, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeOs } from '@cloister/os'
import { findGroup } from './accounts.ts'
import type { MadeItem } from './manifest.ts'
import type { Item } from './plan.ts'

type FolderItem = Extract<Item, { kind: 'folder' }>
type FileItem = Extract<Item, { kind: 'file' }>

/** Runs a program that changes the groups of the system that runs. */
async function changeGroup(program: 'groupadd' | 'groupdel' | 'gpasswd', args: readonly string[]): Promise<void> {
  const { processes } = nodeOs()
  await processes.run([(await processes.find(program)) ?? program, ...args])
}

async function makeFolder(root: string, { path, mode, group }: FolderItem): Promise<void> {
  const folder = join(root, path)
  await mkdir(folder)
  const gid = group === undefined ? undefined : (await findGroup(root, group))?.id
  if (gid !== undefined && process.getuid?.() === 0) await chown(folder, 0, gid)
  await chmod(folder, mode)
}

/** What is left beside a file or link when its making was interrupted. */
function unfinishedName(target: string): string {
  return `${target}.cloister-new`
}

/** Puts a finished file or link into its place in one step; `replaces` when an older one made here is there. */
async function place(
  root: string,
  path: string,
  replaces: boolean,
  fill: (name: string) => Promise<void>,
): Promise<void> {
  const target = join(root, path)
  const name = unfinishedName(target)
  await rm(name, { force: true })
  await fill(name)
  if (replaces) await rename(name, target)
  else {
    await link(name, target)
    await unlink(name)
  }
}

async function fillFile(name: string, { mode, content }: FileItem): Promise<void> {
  await writeFile(name, content, { flag: 'wx', mode, flush: true })
  await chmod(name, mode)
}

/** Makes an item; `replaces` when an older one made here is there. @throws Error with code EEXIST when anything else is */
export async function make(root: string, item: Item, replaces: boolean): Promise<void> {
  switch (item.kind) {
    case 'group':
      return await changeGroup('groupadd', ['--system', item.name])
    case 'member':
      return await changeGroup('gpasswd', ['--add', item.user, item.group])
    case 'folder':
      return await makeFolder(root, item)
    case 'file':
      return await place(root, item.path, replaces, (name) => fillFile(name, item))
    case 'link':
      return await place(root, item.path, replaces, (name) => symlink(item.target, name))
  }
}

/** Removes an item. @throws Error with code ENOTEMPTY for a folder in which there is something */
export async function unmake(root: string, item: MadeItem): Promise<void> {
  switch (item.kind) {
    case 'group':
      return await changeGroup('groupdel', [item.name])
    case 'member':
      return await changeGroup('gpasswd', ['--delete', item.user, item.group])
    case 'folder':
      return await rmdir(join(root, item.path))
    default:
      return await unlink(join(root, item.path))
  }
}

/** Removes what an interrupted installation left beside an item. */
export async function removeUnfinished(root: string, item: MadeItem): Promise<void> {
  if (item.kind === 'file' || item.kind === 'link') await rm(unfinishedName(join(root, item.path)), { force: true })
}

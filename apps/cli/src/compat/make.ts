import { chmod, chown, link, mkdir, rename, rm, rmdir, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeOs } from '@cloister/os'
import { groupIdOf } from './inspect.ts'
import type { MadeItem } from './manifest.ts'
import type { Item } from './plan.ts'

type FolderItem = Extract<Item, { kind: 'folder' }>
type FileItem = Extract<Item, { kind: 'file' }>

/** A program for the groups of the system that runs. */
async function changeGroup(program: 'groupadd' | 'groupdel', args: readonly string[]): Promise<void> {
  const { processes } = nodeOs()
  await processes.run([(await processes.find(program)) ?? program, ...args])
}

async function makeFolder(root: string, { path, mode, group }: FolderItem): Promise<void> {
  const folder = join(root, path)
  await mkdir(folder)
  const gid = group === undefined ? undefined : await groupIdOf(root, group)
  if (gid !== undefined && process.getuid?.() === 0) await chown(folder, 0, gid)
  await chmod(folder, mode)
}

/** Gives something its place at once and complete: instead of an older one of ours, or where nothing is. */
async function place(
  root: string,
  path: string,
  replaces: boolean,
  fill: (name: string) => Promise<void>,
): Promise<void> {
  const target = join(root, path)
  const name = `${target}.cloister-new`
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

/** Makes an item; `replaces` when an older one of ours is there. @throws Error with code EEXIST when anything else is */
export async function make(root: string, item: Item, replaces: boolean): Promise<void> {
  switch (item.kind) {
    case 'group':
      return await changeGroup('groupadd', ['--system', item.name])
    case 'folder':
      return await makeFolder(root, item)
    case 'file':
      return await place(root, item.path, replaces, (name) => fillFile(name, item))
    case 'link':
      return await place(root, item.path, replaces, (name) => symlink(item.target, name))
  }
}

/** Takes an item away again. @throws Error with code ENOTEMPTY for a folder in which there is something */
export async function unmake(root: string, item: MadeItem): Promise<void> {
  if (item.kind === 'group') await changeGroup('groupdel', [item.name])
  else if (item.kind === 'folder') await rmdir(join(root, item.path))
  else await unlink(join(root, item.path))
}

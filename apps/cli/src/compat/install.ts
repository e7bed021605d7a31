import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { exitStatus } from '../exit-status.ts'
import { inspect } from './inspect.ts'
import { make } from './make.ts'
import { holdsManifest, type MadeItem, madeFrom, readManifest, writeManifest } from './manifest.ts'
import { type Item, itemName } from './plan.ts'

/** What is done about an item; `present` means that it is there already, made by an earlier run or by others in the same way. */
export type InstallAction = 'make' | 'replace' | 'present'

export interface InstallStep {
  readonly item: Item
  readonly action: InstallAction
}

/** Files that only a Qubes OS has. */
const marksOfQubes = ['/usr/bin/qubesd', '/var/lib/qubes/qubes.xml', '/usr/share/qubes/marker-vm']

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

async function refuseQubes(root: string): Promise<void> {
  for (const path of marksOfQubes) {
    if (await exists(join(root, path))) {
      throw new CliError(`this is a Qubes OS already, as ${path} shows`, exitStatus.state, 'nothing was changed')
    }
  }
}

/** What to do about an item; undefined when something is in its place that was not made here. */
async function actionFor(root: string, item: Item, recorded: readonly MadeItem[]): Promise<InstallAction | undefined> {
  const finding = await inspect(root, madeFrom(item))
  if (finding === 'absent') return 'make'
  if (finding === 'same') return 'present'
  for (const earlier of recorded) {
    if (itemName(earlier) === itemName(item) && (await inspect(root, earlier)) === 'same') return 'replace'
  }
  return undefined
}

/** Plans an installation. @throws CliError when anything is in the way that was not made here, or on a Qubes OS */
export async function planInstall(root: string, items: readonly Item[]): Promise<readonly InstallStep[]> {
  await refuseQubes(root)
  const recorded = await readManifest(root)
  const steps: InstallStep[] = []
  const inTheWay: string[] = []
  for (const item of items) {
    const action = await actionFor(root, item, recorded)
    if (action === undefined) inTheWay.push(itemName(item))
    else steps.push({ item, action })
  }
  if (inTheWay.length === 0) return steps
  const what = `${inTheWay.join(', ')} ${inTheWay.length === 1 ? 'is there and is' : 'are there and are'} not Cloister's`
  throw new CliError(what, exitStatus.state, 'nothing was changed; move that away first')
}

/**
 * Does what was planned. Each item is recorded before it is made, beside the record of its older version: `remove` removes only
 * what it finds as it was recorded, so that a record of an item that was never made does no harm.
 */
export async function install(root: string, steps: readonly InstallStep[]): Promise<void> {
  const todo = steps.filter(({ action }) => action !== 'present')
  if (todo.length === 0) return
  const earlier = await readManifest(root)
  const made = todo.map(({ item }) => madeFrom(item))
  const [first, others] = [
    todo.filter(({ item }) => holdsManifest(item)),
    todo.filter(({ item }) => !holdsManifest(item)),
  ]
  for (const { item } of first) await make(root, item, false)
  await writeManifest(root, [...earlier, ...made])
  for (const { item, action } of others) await make(root, item, action === 'replace')
  const replaced = new Set(made.map(itemName))
  await writeManifest(root, [...earlier.filter((item) => !replaced.has(itemName(item))), ...made])
}

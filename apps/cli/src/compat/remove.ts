import { errorText } from '@cloister/kit'
import { useByMembers, useInConfiguration } from './accounts.ts'
import { inspect } from './inspect.ts'
import { removeUnfinished, unmake } from './make.ts'
import { holdsManifest, type MadeItem, readManifest, removeManifest, writeManifest } from './manifest.ts'
import { itemName } from './plan.ts'

/** What is done about an item; one that is `kept` was changed since, or is in use. */
export interface RemoveStep {
  readonly item: MadeItem
  readonly action: 'remove' | 'kept' | 'gone'
  readonly why?: string
}

/** The members that were added here: they are no reason to keep their group. */
function membersOf(made: readonly MadeItem[], group: string): ReadonlySet<string> {
  return new Set(made.flatMap((item) => (item.kind === 'member' && item.group === group ? [item.user] : [])))
}

/** Why a group or a member of it stays; undefined when it may be removed. */
async function useOf(root: string, item: MadeItem, made: readonly MadeItem[]): Promise<string | undefined> {
  switch (item.kind) {
    case 'group': {
      const ours = membersOf(made, item.name)
      return (await useInConfiguration(root, item.name)) ?? (await useByMembers(root, item.name, ours))
    }
    // A member keeps the rights that the configuration gives to the group.
    case 'member':
      return await useInConfiguration(root, item.group)
    default:
      return undefined
  }
}

async function actionFor(root: string, item: MadeItem, made: readonly MadeItem[]): Promise<RemoveStep> {
  const finding = await inspect(root, item)
  if (finding === 'absent') return { item, action: 'gone' }
  if (finding !== 'same') return { item, action: 'kept', why: 'it was changed since' }
  const why = await useOf(root, item, made)
  return why === undefined ? { item, action: 'remove' } : { item, action: 'kept', why }
}

/** What would be removed, in the opposite order of its making; empty when nothing was ever made. */
export async function planRemove(root: string): Promise<readonly RemoveStep[]> {
  const made = await readManifest(root)
  const steps = await Promise.all(made.toReversed().map((item) => actionFor(root, item, made)))
  // Two records exist of an item whose replacement was interrupted; one of them fits.
  const byName = Map.groupBy(steps, ({ item }) => itemName(item))
  return [...byName.values()].flatMap((same) => same.find(({ action }) => action === 'remove') ?? same.slice(0, 1))
}

async function attempt(root: string, step: RemoveStep): Promise<RemoveStep> {
  await removeUnfinished(root, step.item)
  if (step.action !== 'remove') return step
  try {
    await unmake(root, step.item)
    return step
  } catch (error) {
    const isFull = error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY'
    return { item: step.item, action: 'kept', why: isFull ? 'there is something in it' : errorText(error) }
  }
}

/** A group that is in use stays recorded, so that a later `remove` can remove it; so do the folders of the record. */
async function forget(root: string, done: readonly RemoveStep[], folders: readonly RemoveStep[]): Promise<void> {
  const kept = done.filter(({ item, action }) => action === 'kept' && (item.kind === 'group' || item.kind === 'member'))
  if (kept.length === 0) await removeManifest(root)
  // The steps are in the opposite order of the record.
  else await writeManifest(root, [...kept, ...folders].map(({ item }) => item).reverse())
}

/** Removes what was made, and tells what was done about each item. */
export async function remove(root: string, steps: readonly RemoveStep[]): Promise<readonly RemoveStep[]> {
  const folders = steps.filter(({ item }) => holdsManifest(item))
  const results: RemoveStep[] = []
  for (const step of steps) if (!holdsManifest(step.item)) results.push(await attempt(root, step))
  if (steps.length > 0) await forget(root, results, folders)
  for (const step of folders) results.push(await attempt(root, step))
  return results
}

import { errorText } from '@cloister/kit'
import { inspect } from './inspect.ts'
import { unmake } from './make.ts'
import { holdsManifest, keyOf, type MadeItem, readManifest, removeManifest } from './manifest.ts'

/** What became of an item: `kept` is no longer as it was made, or in use. */
export interface RemoveStep {
  readonly item: MadeItem
  readonly action: 'remove' | 'kept' | 'gone'
  readonly why?: string
}

async function actionFor(root: string, item: MadeItem): Promise<RemoveStep> {
  const finding = await inspect(root, item)
  if (finding === 'absent') return { item, action: 'gone' }
  return finding === 'same' ? { item, action: 'remove' } : { item, action: 'kept', why: 'it was changed since' }
}

/** What would be taken away, the latest first; empty when nothing was ever made. */
export async function planRemove(root: string): Promise<readonly RemoveStep[]> {
  const made = await readManifest(root)
  const steps = await Promise.all(made.toReversed().map((item) => actionFor(root, item)))
  // Of something that was being replaced there are two records, of which one fits.
  const byKey = Map.groupBy(steps, ({ item }) => keyOf(item))
  return [...byKey.values()].flatMap((same) => same.find(({ action }) => action === 'remove') ?? same.slice(0, 1))
}

async function attempt(root: string, step: RemoveStep): Promise<RemoveStep> {
  if (step.action !== 'remove') return step
  try {
    await unmake(root, step.item)
    return step
  } catch (error) {
    const isFull = error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY'
    return { item: step.item, action: 'kept', why: isFull ? 'there is something in it' : errorText(error) }
  }
}

/** Takes away what was made, and says what became of each. */
export async function remove(root: string, steps: readonly RemoveStep[]): Promise<readonly RemoveStep[]> {
  const results: RemoveStep[] = []
  for (const step of steps) if (!holdsManifest(step.item)) results.push(await attempt(root, step))
  if (steps.length > 0) await removeManifest(root)
  for (const step of steps) if (holdsManifest(step.item)) results.push(await attempt(root, step))
  return results
}

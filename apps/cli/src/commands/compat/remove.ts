import { resolve } from 'node:path'
import { type Command, defineCommand } from '../../command.ts'
import { compatOptions, requireRoot } from '../../compat/options.ts'
import { itemName } from '../../compat/plan.ts'
import { planRemove, type RemoveStep, remove } from '../../compat/remove.ts'

function line({ item, action, why }: RemoveStep, dryRun: boolean): string {
  const what = itemName(item)
  if (action === 'gone') return `gone     ${what}`
  if (action === 'kept') return `kept     ${what}: ${why ?? ''}`
  return dryRun ? `would remove  ${what}` : `removed  ${what}`
}

export const removeCompat: Command = defineCommand({
  description: [
    'Removes exactly what `cloister compat install` made. Kept, with the reason, are files that were changed since, folders that hold something else, and the group as long as cloister.toml names it or it has other members.',
  ],
  examples: [['sudo cloister compat remove', 'the tools of Qubes OS no longer find this daemon']],
  arguments: {},
  options: compatOptions,
  async run({ output }, _, { root: given, dryRun }) {
    const root = resolve(given ?? '/')
    const planned = await planRemove(root)
    if (!dryRun) requireRoot(root)
    const steps = dryRun ? planned : await remove(root, planned)
    if (output.isJson) {
      output.json(
        steps.map(({ item, action, why }) => ({ item: itemName(item), kind: item.kind, action, why: why ?? null })),
      )
    } else for (const step of steps) output.line(line(step, dryRun))
    if (steps.length === 0) output.note('There is no record of an installation: nothing was removed.')
  },
})

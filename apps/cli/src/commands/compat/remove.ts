import { resolve } from 'node:path'
import { type Command, defineCommand } from '../../command.ts'
import { keyOf } from '../../compat/manifest.ts'
import { compatOptions, requireRoot } from '../../compat/options.ts'
import { planRemove, type RemoveStep, remove } from '../../compat/remove.ts'

function line({ item, action, why }: RemoveStep, dryRun: boolean): string {
  const what = keyOf(item)
  if (action === 'gone') return `gone     ${what}`
  if (action === 'kept') return `kept     ${what}: ${why ?? ''}`
  return dryRun ? `would remove  ${what}` : `removed  ${what}`
}

export const removeCompat: Command = defineCommand({
  description: [
    'Takes away exactly what `cloister compat install` made. What was changed since, or has something else in it, is kept and named.',
  ],
  examples: [['sudo cloister compat remove', 'the tools of Qubes OS find this daemon no more']],
  arguments: {},
  options: compatOptions,
  async run({ output }, _, { root: given, dryRun }) {
    const root = resolve(given ?? '/')
    const planned = await planRemove(root)
    if (!dryRun) requireRoot(root)
    const steps = dryRun ? planned : await remove(root, planned)
    if (output.isJson) {
      output.json(
        steps.map(({ item, action, why }) => ({ item: keyOf(item), kind: item.kind, action, why: why ?? null })),
      )
    } else for (const step of steps) output.line(line(step, dryRun))
    if (steps.length === 0) output.note('Nothing was ever installed here.')
  },
})

import { vmVolumeClear } from '@cloister/admin-protocol'
import { type Command, defineCommand } from '../../command.ts'
import { confirm } from '../../confirm.ts'
import { withVolume } from '../../missing.ts'
import { flag } from '../../option.ts'
import { volumeArguments } from '../../volume-arguments.ts'

export const clear: Command = defineCommand({
  description: [
    'Empties a volume of a halted domain: its data are lost. The command asks first, unless --yes is given.',
  ],
  examples: [['cloister volume clear work private --yes', 'the next start makes a new file system in it']],
  arguments: volumeArguments,
  options: { yes: flag('do not ask', { short: 'y' }) },
  async run(context, { domain, volume }, { yes }) {
    if (!yes) await confirm(context, `Empty ${volume} of ${domain}?`, '--yes')
    await withVolume(context, { domain, volume }, (client, target) => client.call(vmVolumeClear, target))
    if (context.output.isJson) context.output.json({ domain, volume })
    context.output.done(`${volume} of ${domain} is empty`)
  },
})

import { vmVolumeClear } from '@cloister/admin-protocol'
import { type Command, defineCommand } from '../../command.ts'
import { confirm } from '../../confirm.ts'
import { connect } from '../../connect.ts'
import { flag } from '../../option.ts'
import { volumeArguments } from '../../volume-arguments.ts'

export const clear: Command = defineCommand({
  description: ['Empties a volume of a halted domain: what is in it is lost. Asks first; a script says --yes.'],
  examples: [['cloister volume clear work private --yes', 'the next start makes a new file system in it']],
  arguments: volumeArguments,
  options: { yes: flag('do not ask', { short: 'y' }) },
  async run(context, { domain: dest, volume: argument }, { yes }) {
    if (!yes) await confirm(context, `Empty ${argument} of ${dest}?`, '--yes')
    await (await connect(context)).call(vmVolumeClear, { dest, argument })
    if (context.output.isJson) context.output.json({ domain: dest, volume: argument })
    context.output.done(`${argument} of ${dest} is empty`)
  },
})

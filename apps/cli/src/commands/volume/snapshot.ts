import { vmVolumeSnapshot } from '@cloister/admin-protocol'
import { type Command, defineCommand } from '../../command.ts'
import { connect } from '../../connect.ts'
import { volumeArguments } from '../../volume-arguments.ts'

export const snapshot: Command = defineCommand({
  description: [
    'Makes a revision of the state that a volume had when its domain last stopped, and prints its id. `cloister volume revert` brings it back.',
  ],
  examples: [['cloister volume snapshot work private', 'before something that may go wrong']],
  arguments: volumeArguments,
  options: {},
  async run(context, { domain: dest, volume: argument }) {
    const revision = await (await connect(context)).call(vmVolumeSnapshot, { dest, argument })
    if (context.output.isJson) context.output.json({ domain: dest, volume: argument, revision })
    else context.output.line(revision)
  },
})

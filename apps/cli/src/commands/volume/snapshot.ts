import { vmVolumeSnapshot } from '@cloister/admin-protocol'
import { type Command, defineCommand } from '../../command.ts'
import { withVolume } from '../../missing.ts'
import { volumeArguments } from '../../volume-arguments.ts'

export const snapshot: Command = defineCommand({
  description: [
    'Makes a revision of the state that a volume had when its domain last stopped, and prints its id. `cloister volume revert` brings it back.',
  ],
  examples: [['cloister volume snapshot work private', 'before a risky change']],
  arguments: volumeArguments,
  options: {},
  async run(context, { domain, volume }) {
    const revision = await withVolume(context, { domain, volume }, (client, target) =>
      client.call(vmVolumeSnapshot, target),
    )
    if (context.output.isJson) context.output.json({ domain, volume, revision })
    else context.output.line(revision)
  },
})

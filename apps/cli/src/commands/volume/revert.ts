import { vmVolumeListSnapshots, vmVolumeRevert } from '@cloister/admin-protocol'
import { optional } from '../../argument.ts'
import { CliError } from '../../cli-error.ts'
import { type Command, defineCommand } from '../../command.ts'
import { exitStatus } from '../../exit-status.ts'
import { withVolume } from '../../missing.ts'
import { volumeArguments } from '../../volume-arguments.ts'

export const revert: Command = defineCommand({
  description: [
    'Restores a revision of a volume of a halted domain, the latest unless another is named. Later changes are lost; the revisions stay.',
  ],
  examples: [
    ['cloister volume revert work private', 'the state before the last start'],
    ['cloister volume info work private', 'lists the revisions'],
  ],
  arguments: { ...volumeArguments, revision: optional('REVISION', 'a revision of the volume', 'revision') },
  options: {},
  async run(context, { domain, volume, revision: wanted }) {
    const { output } = context
    const revision = await withVolume(context, { domain, volume }, async (client, target) => {
      const payload = wanted ?? (await client.call(vmVolumeListSnapshots, target)).at(-1)
      if (payload === undefined) {
        const hint = '`cloister volume snapshot` makes one'
        throw new CliError(`${volume} of ${domain} has no revision`, exitStatus.notFound, hint)
      }
      await client.call(vmVolumeRevert, { ...target, payload })
      return payload
    })
    if (output.isJson) output.json({ domain, volume, revision })
    output.done(`${volume} of ${domain} is at revision ${revision}`)
  },
})

import { vmVolumeListSnapshots, vmVolumeRevert } from '@cloister/admin-protocol'
import { optional } from '../../argument.ts'
import { CliError } from '../../cli-error.ts'
import { type Command, defineCommand } from '../../command.ts'
import { connect } from '../../connect.ts'
import { exitStatus } from '../../exit-status.ts'
import { volumeArguments } from '../../volume-arguments.ts'

export const revert: Command = defineCommand({
  description: [
    'Brings a volume of a halted domain back to a revision, the latest unless another is named. What changed since is lost; the revisions stay.',
  ],
  examples: [
    ['cloister volume revert work private', 'as it was before the last start'],
    ['cloister volume info work private', 'lists the revisions'],
  ],
  arguments: { ...volumeArguments, revision: optional('REVISION', 'a revision of the volume', 'revision') },
  options: {},
  async run(context, { domain: dest, volume: argument, revision }) {
    const { output } = context
    const client = await connect(context)
    const payload = revision ?? (await client.call(vmVolumeListSnapshots, { dest, argument })).at(-1)
    if (payload === undefined) {
      throw new CliError(
        `${argument} of ${dest} has no revision`,
        exitStatus.notFound,
        'there is nothing to go back to',
      )
    }
    await client.call(vmVolumeRevert, { dest, argument, payload })
    if (output.isJson) output.json({ domain: dest, volume: argument, revision: payload })
    output.done(`${argument} of ${dest} is at revision ${payload}`)
  },
})

import { vmVolumeCloneFrom, vmVolumeCloneTo } from '@cloister/admin-protocol'
import { required } from '../../argument.ts'
import { type Command, defineCommand } from '../../command.ts'
import { withVolume } from '../../missing.ts'
import { Spinner } from '../../spinner.ts'
import { volumeArguments } from '../../volume-arguments.ts'

export const copy: Command = defineCommand({
  description: [
    'Replaces a volume of a halted domain with a copy of the same volume of another domain. The old content is lost. The copy holds what the source held when its domain last stopped.',
  ],
  examples: [['cloister volume copy work private play', 'play gets what is in work']],
  arguments: {
    ...volumeArguments,
    target: required('TO', 'the domain whose volume of the same name is replaced', 'domain'),
  },
  options: {},
  async run(context, { domain, volume, target }) {
    const { output } = context
    {
      using _ = new Spinner(output, `copying ${volume} of ${domain} to ${target}`)
      const payload = await withVolume(context, { domain, volume }, (client, source) =>
        client.call(vmVolumeCloneFrom, source),
      )
      await withVolume(context, { domain: target, volume }, (client, named) =>
        client.call(vmVolumeCloneTo, { ...named, payload }),
      )
    }
    if (output.isJson) output.json({ domain: target, volume, source: domain })
    output.done(`${volume} of ${target} is a copy of that of ${domain}`)
  },
})

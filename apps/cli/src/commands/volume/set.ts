import { vmVolumeSetEphemeral, vmVolumeSetRevisionsToKeep, vmVolumeSetRw } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { parseBoolean } from '@cloister/kit'
import { required } from '../../argument.ts'
import { UsageError } from '../../cli-error.ts'
import { type Command, defineCommand } from '../../command.ts'
import { type VolumeTarget, withVolume } from '../../missing.ts'
import { parseRevisions } from '../../revisions.ts'
import { volumeArguments } from '../../volume-arguments.ts'

type Setter = (client: AdminClient, target: VolumeTarget, value: string) => Promise<void>

/** @throws UsageError */
function yesOrNo(value: string): boolean {
  const read = parseBoolean(value)
  if (read === undefined) throw new UsageError(`VALUE is yes or no, not "${value}"`)
  return read
}

const setters: ReadonlyMap<string, Setter> = new Map<string, Setter>([
  [
    'revisions_to_keep',
    async (client, target, value) =>
      client.call(vmVolumeSetRevisionsToKeep, { ...target, payload: parseRevisions(value, 'VALUE') }),
  ],
  ['rw', async (client, target, value) => client.call(vmVolumeSetRw, { ...target, payload: yesOrNo(value) })],
  [
    'ephemeral',
    async (client, target, value) => client.call(vmVolumeSetEphemeral, { ...target, payload: yesOrNo(value) }),
  ],
])

const keys = [...setters.keys()]

export const set: Command = defineCommand({
  description: [
    'Changes the settings of a volume: revisions_to_keep, how many revisions are kept (-1: none, and no snapshots either); rw, whether the domain may write to it; ephemeral, whether it is encrypted with a key that is forgotten when the domain stops.',
  ],
  examples: [
    ['cloister volume set work private revisions_to_keep 3', 'three earlier states'],
    ['cloister volume set work root rw no', 'the domain may only read'],
  ],
  arguments: {
    ...volumeArguments,
    key: required('KEY', keys.join(', '), keys),
    value: required('VALUE', 'the new value'),
  },
  options: {},
  async run(context, { domain, volume, key, value }) {
    const setter = setters.get(key)
    if (setter === undefined) throw new UsageError(`KEY is ${keys.join(' or ')}, not "${key}"`)
    await withVolume(context, { domain, volume }, (client, target) => setter(client, target, value))
    if (context.output.isJson) context.output.json({ domain, volume, key, value })
    context.output.done(`${volume} of ${domain}: ${key} is ${value}`)
  },
})

import { vmClone, vmCloneInPool } from '@cloister/admin-protocol'
import { newDomain, required } from '../argument.ts'
import { type Command, defineCommand } from '../command.ts'
import { withPools } from '../missing.ts'
import { placementOf, placementOptions, poolsIn } from '../placement.ts'
import { Spinner } from '../spinner.ts'

export const clone: Command = defineCommand({
  description: [
    'Copies a domain: volumes, properties, features, tags, firewall rules and notes. The daemon copies it in one step: when that fails there is no copy.',
    'Volumes are copied as they were when the domain last stopped.',
  ],
  examples: [['cloister clone work work-copy', 'a second domain with the same content']],
  arguments: {
    source: required('DOMAIN', 'the domain that is copied', 'domain'),
    name: newDomain('NAME', 'the name of the copy'),
  },
  options: placementOptions,
  async run(context, { source, name }, options) {
    const placement = placementOf(options)
    const pools = poolsIn(placement)
    {
      using _ = new Spinner(context.output, `copying ${source} to ${name}`)
      const row = pools.length === 0 ? vmClone : vmCloneInPool
      const call = { dest: source, payload: { name, ...placement } }
      await withPools(context, pools, (client) => client.call(row, call))
    }
    if (context.output.isJson) context.output.json({ name, source })
    context.output.done(`${name} made, a copy of ${source}`)
  },
})

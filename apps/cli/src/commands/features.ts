import { vmFeatureGet, vmFeatureList, vmFeatureRemove, vmFeatureSet } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { visibleText } from '@cloister/kit'
import { optional, required } from '../argument.ts'
import { mapBounded } from '../bounded.ts'
import { UsageError } from '../cli-error.ts'
import { type Command, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { chooseColumns, type ListColumn, listOptions, printList } from '../list-output.ts'
import { flag } from '../option.ts'

interface Feature {
  readonly name: string
  readonly value: string
}

const concurrency = 8

const columns: readonly ListColumn<Feature>[] = [
  { key: 'feature', value: ({ name }) => name },
  { key: 'value', value: ({ value }) => value },
]

async function listFeatures(client: AdminClient, dest: string): Promise<Feature[]> {
  const names = await client.call(vmFeatureList, { dest })
  return await mapBounded(names, concurrency, async (name) => ({
    name,
    value: await client.call(vmFeatureGet, { dest, argument: name }),
  }))
}

export const features: Command = defineCommand({
  description: [
    'Shows and changes features of a domain: what it can and what it is for, as guests and tools understand it. An empty value means no; any other, even 0, means yes.',
    'Without FEATURE it lists those that are set, without VALUE it prints that one.',
  ],
  examples: [
    ['cloister features work', 'those that are set'],
    ['cloister features work service.cups 1', 'switch a service on'],
    ["cloister features work service.cups ''", 'switch it off'],
    ['cloister features work service.cups --unset', 'as if nothing had been said'],
  ],
  arguments: {
    domain: required('DOMAIN', 'the domain', 'domain'),
    feature: optional('FEATURE', 'the feature', 'feature'),
    value: optional('VALUE', 'its new value'),
  },
  options: {
    unset: flag('remove the feature', { short: 'D' }),
    ...listOptions,
  },
  async run(context, { domain: dest, feature, value }, { unset, ...choices }) {
    const { output } = context
    const client = await connect(context)
    if (feature === undefined) {
      if (unset) throw new UsageError('name the feature')
      printList(output, chooseColumns(columns, choices.columns), await listFeatures(client, dest), choices)
    } else if (unset) {
      await client.call(vmFeatureRemove, { dest, argument: feature })
      if (output.isJson) output.json({ domain: dest, feature, value: null })
      output.done(`${dest}: ${feature} is not set any more`)
    } else if (value !== undefined) {
      await client.call(vmFeatureSet, { dest, argument: feature, payload: value })
      if (output.isJson) output.json({ domain: dest, feature, value })
      output.done(`${dest}: ${feature} is "${visibleText(value)}"`)
    } else {
      const found = await client.call(vmFeatureGet, { dest, argument: feature })
      if (output.isJson) output.json({ feature, value: found })
      else output.line(visibleText(found))
    }
  },
})

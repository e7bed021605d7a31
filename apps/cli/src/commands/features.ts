import { vmFeatureGet, vmFeatureList, vmFeatureRemove, vmFeatureSet } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { optional, required } from '../argument.ts'
import { UsageError } from '../cli-error.ts'
import { type Command, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { chooseColumns, type ListColumn, listOptions, printList } from '../list-output.ts'
import { failureOfReading, type Reading, readEach, reportObjectFailures } from '../object-failures.ts'
import { flag } from '../option.ts'
import { readingColumn } from '../reading-column.ts'

interface Feature {
  readonly name: string
  readonly reading: Reading<string>
}

/** Features that are read at the same time. */
const concurrency = 8

const columns: readonly ListColumn<Feature>[] = [
  { key: 'feature', value: ({ name }) => name },
  readingColumn('value', (value) => value),
]

async function listFeatures(client: AdminClient, dest: string): Promise<Feature[]> {
  const names = await client.call(vmFeatureList, { dest })
  const features = await readEach(names, concurrency, (argument) => client.call(vmFeatureGet, { dest, argument }))
  return features.map(({ item: name, reading }) => ({ name, reading }))
}

export const features: Command = defineCommand({
  description: [
    'Shows and changes features of a domain: named values by which guests and tools know what the domain supports. An empty value means no; any other, even 0, means yes.',
    'Without FEATURE the command lists the features that are set; without VALUE it prints the value of the feature.',
  ],
  examples: [
    ['cloister features work', 'the features that are set'],
    ['cloister features work service.cups 1', 'switch a service on'],
    ["cloister features work service.cups ''", 'switch it off'],
    ['cloister features work service.cups --unset', 'remove the feature, so that its default holds'],
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
      if (unset) throw new UsageError('--unset needs the name of a feature')
      const all = await listFeatures(client, dest)
      printList(output, chooseColumns(columns, choices.columns), all, choices)
      reportObjectFailures(
        output,
        all.flatMap(({ name, reading }) => failureOfReading(name, reading)),
      )
    } else if (unset) {
      await client.call(vmFeatureRemove, { dest, argument: feature })
      if (output.isJson) output.json({ domain: dest, feature, value: null })
      output.done(`${dest}: ${feature} is removed`)
    } else if (value !== undefined) {
      await client.call(vmFeatureSet, { dest, argument: feature, payload: value })
      if (output.isJson) output.json({ domain: dest, feature, value })
      output.done(`${dest}: ${feature} is "${value}"`)
    } else {
      const found = await client.call(vmFeatureGet, { dest, argument: feature })
      if (output.isJson) output.json({ feature, value: found })
      else output.line(found)
    }
  },
})

import {
  labelList,
  poolList,
  poolListDrivers,
  propertyList,
  vmclassList,
  vmFeatureList,
  vmPropertyList,
  vmTagList,
  vmVolumeList,
  vmVolumeListSnapshots,
} from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import type { Completion } from '../command.ts'
import { readEach, readValue } from '../object-failures.ts'
import type { Candidate, Question } from './line.ts'

type Lookup = Extract<Question, { kind: string }>
type Source = (client: AdminClient, lookup: Lookup) => Promise<readonly Candidate[]>
/** Kinds of words that the daemon lists; shells list files and folders themselves. */
type KnownToDaemon = Exclude<Completion, readonly string[] | 'file' | 'folder'>

const concurrency = 16

function plain(values: readonly string[]): readonly Candidate[] {
  return values.map((value) => ({ value, description: '' }))
}

function domains(klass?: string): Source {
  return async (client) =>
    (await client.domains.list())
      .filter((domain) => klass === undefined || domain.klass === klass)
      .map(({ name, klass: what, state }) => ({ value: name, description: `${what}, ${state}` }))
}

/** Parts of the domain that is already named on the command line. */
function ofDomain(list: (client: AdminClient, dest: string, lookup: Lookup) => Promise<readonly string[]>): Source {
  return async (client, lookup) => {
    const dest = lookup.given.get('domain')
    return dest === undefined ? [] : plain(await list(client, dest, lookup))
  }
}

const systemProperties: Source = async (client) => plain(await client.call(propertyList, {}))

const sources: Readonly<Record<KnownToDaemon, Source>> = {
  // `cloister prefs --global` has a property where other commands have a domain.
  domain: (client, lookup) => (lookup.options.has('global') ? systemProperties : domains())(client, lookup),
  template: domains('TemplateVM'),
  label: async (client) => plain(await client.call(labelList, {})),
  pool: async (client) => plain(await client.call(poolList, {})),
  driver: async (client) => plain((await client.call(poolListDrivers, {})).map(({ name }) => name)),
  class: async (client) => plain(await client.call(vmclassList, {})),
  property: ofDomain(async (client, dest) => await client.call(vmPropertyList, { dest })),
  feature: ofDomain(async (client, dest) => await client.call(vmFeatureList, { dest })),
  volume: ofDomain(async (client, dest) => await client.call(vmVolumeList, { dest })),
  revision: ofDomain(
    async (client, dest, { given }) =>
      await client.call(vmVolumeListSnapshots, { dest, argument: given.get('volume') ?? '' }),
  ),
  tag: async (client, { given }) => {
    const dest = given.get('domain')
    const names = dest === undefined ? (await client.domains.list()).map(({ name }) => name) : [dest]
    const readings = await readEach(names, concurrency, async (name) => client.call(vmTagList, { dest: name }))
    const tags = readings.flatMap(({ reading }) => readValue(reading) ?? [])
    return plain([...new Set(tags)].toSorted())
  },
}

/** Asks the daemon for the words of a kind. */
export async function lookUp(client: AdminClient, kind: KnownToDaemon, lookup: Lookup): Promise<readonly Candidate[]> {
  return await sources[kind](client, lookup)
}

import { paint, paintLabel, paintState } from '../colour.ts'
import type { ListColumn } from '../list-output.ts'
import { propertyJson } from '../property-json.ts'
import { formatSize } from '../sizes.ts'
import type { DomainFacts, Wanted } from './domain-facts.ts'

interface Source {
  readonly column: ListColumn<DomainFacts>
  /** What has to be asked for it. */
  readonly wants?: Partial<Wanted>
}

const nanosecondsPerSecond = 1_000_000_000

function size(bytes: bigint | undefined): { text: string } {
  return { text: bytes === undefined ? '' : formatSize(bytes) }
}

/** A column of a property; classes without it show nothing. */
function property(key: string, name: string = key): Source {
  return {
    column: {
      key,
      value: ({ properties }) => {
        const value = properties.get(name)
        return value === undefined ? null : propertyJson(value)
      },
      show: ({ properties }) => ({
        text: properties.get(name)?.value ?? '',
        ...(key === 'label' && { paint: paintLabel }),
      }),
    },
    wants: { properties: new Set([name]) },
  }
}

const special: readonly Source[] = [
  {
    column: {
      key: 'name',
      value: ({ name }) => name,
      show: ({ name }) => ({ text: name, paint: (text) => paint('bold', text) }),
    },
  },
  { column: { key: 'state', value: ({ state }) => state, show: ({ state }) => ({ text: state, paint: paintState }) } },
  { column: { key: 'class', value: ({ klass }) => klass } },
  { column: { key: 'uuid', value: ({ uuid }) => uuid ?? null } },
  property('label'),
  property('template'),
  property('netvm'),
  { column: { key: 'tags', value: ({ tags }) => tags }, wants: { tags: true } },
  {
    column: {
      key: 'mem',
      align: 'right',
      value: ({ now }) => (now === undefined ? null : now.memory * 1024n),
      show: ({ now }) => size(now === undefined ? undefined : now.memory * 1024n),
    },
    wants: { state: true },
  },
  {
    column: {
      key: 'cputime',
      align: 'right',
      value: ({ now }) => (now === undefined ? null : Number(now.cpuTime) / nanosecondsPerSecond),
      show: ({ now }) => ({
        text: now === undefined ? '' : `${(Number(now.cpuTime) / nanosecondsPerSecond).toFixed(1)} s`,
      }),
    },
    wants: { state: true },
  },
  {
    column: { key: 'disk', align: 'right', value: ({ disk }) => disk ?? null, show: ({ disk }) => size(disk) },
    wants: { disk: true },
  },
]

const byKey: ReadonlyMap<string, Source> = new Map(special.map((source) => [source.column.key, source]))

/** Columns that are not properties. */
export const specialColumns: readonly string[] = [...byKey.keys()]

/** Columns unless others are asked for: a list of domains and one call for each of them. */
export const defaultColumns: readonly string[] = ['name', 'state', 'class', 'label', 'template', 'netvm']

/** Columns by their keys; a key that is nothing else is a property. */
export function columnsFor(keys: readonly string[]): {
  readonly columns: readonly ListColumn<DomainFacts>[]
  readonly wanted: Wanted
} {
  const sources = keys.map((key) => byKey.get(key.toLowerCase()) ?? property(key.toLowerCase()))
  const wants = sources.map((source) => source.wants ?? {})
  return {
    columns: sources.map(({ column }) => column),
    wanted: {
      properties: new Set(wants.flatMap((one) => [...(one.properties ?? [])])),
      tags: wants.some((one) => one.tags),
      state: wants.some((one) => one.state),
      disk: wants.some((one) => one.disk),
    },
  }
}

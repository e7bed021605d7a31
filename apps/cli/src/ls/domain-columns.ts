import { paint, paintLabel, paintState } from '../colour.ts'
import { type ListColumn, unknownCell } from '../list-output.ts'
import { propertyJson } from '../property-json.ts'
import { formatSize } from '../sizes.ts'
import type { DomainFacts, FactName, Wanted } from './domain-facts.ts'

interface Source {
  readonly column: ListColumn<DomainFacts>
  /** What must be asked to fill the column. */
  readonly wants?: Partial<Wanted>
  /** The fact that the column shows, where reading it can fail. */
  readonly fact?: FactName
}

const nanosecondsPerSecond = 1_000_000_000

function size(bytes: bigint | undefined): { text: string } {
  return { text: bytes === undefined ? '' : formatSize(bytes) }
}

/** The column, which shows what could not be read as unknown. */
function columnOf({ column, fact }: Source): ListColumn<DomainFacts> {
  if (fact === undefined) return column
  const { show } = column
  return { ...column, show: (row) => (row.failures.has(fact) ? unknownCell : show?.(row)) }
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
    fact: `property ${name}`,
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
  {
    column: { key: 'tags', value: ({ tags, failures }) => (failures.has('tags') ? null : tags) },
    wants: { tags: true },
    fact: 'tags',
  },
  {
    column: {
      key: 'mem',
      align: 'right',
      value: ({ now }) => (now === undefined ? null : now.memory * 1024n),
      show: ({ now }) => size(now === undefined ? undefined : now.memory * 1024n),
    },
    wants: { state: true },
    fact: 'state',
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
    fact: 'state',
  },
  {
    column: { key: 'disk', align: 'right', value: ({ disk }) => disk ?? null, show: ({ disk }) => size(disk) },
    wants: { disk: true },
    fact: 'disk',
  },
]

const byKey: ReadonlyMap<string, Source> = new Map(special.map((source) => [source.column.key, source]))

/** Columns that are not properties. */
export const specialColumns: readonly string[] = [...byKey.keys()]

/** Columns when no others are asked for: they cost the list of domains and one call for each domain. */
export const defaultColumns: readonly string[] = ['name', 'state', 'class', 'label', 'template', 'netvm']

/** Columns by their keys; a key that is none of the special columns is the name of a property. */
export function columnsFor(keys: readonly string[]): {
  readonly columns: readonly ListColumn<DomainFacts>[]
  readonly wanted: Wanted
} {
  const sources = keys.map((key) => byKey.get(key.toLowerCase()) ?? property(key.toLowerCase()))
  const wants = sources.map((source) => source.wants ?? {})
  return {
    columns: sources.map(columnOf),
    wanted: {
      properties: new Set(wants.flatMap((one) => [...(one.properties ?? [])])),
      tags: wants.some((one) => one.tags),
      state: wants.some((one) => one.state),
      disk: wants.some((one) => one.disk),
    },
  }
}

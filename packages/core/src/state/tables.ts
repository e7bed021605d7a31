/** What a column holds. `text or null` is the only kind that may be null. */
export type ColumnType = 'integer' | 'text' | 'text or null'

/** Name and type of a column. */
export type Column = readonly [name: string, type: ColumnType]

/** A kind of record: the columns of its key, and the columns of its values. */
export interface Table {
  readonly key: readonly Column[]
  readonly values: readonly Column[]
}

/**
 * Everything that is stored (reference: admin-api, 16), one table per kind of record. A qid is the number of a domain, 0 the
 * admin domain; JSON is text that core writes and reads. How a database comes to have these columns: `sqlite/migrations.ts`.
 */
export const tables = {
  /** `colour` is `0xrrggbb`. */
  labels: {
    key: [['name', 'text']],
    values: [
      ['idx', 'integer'],
      ['colour', 'text'],
    ],
  },
  /** `position` gives the order in which pools are set up; `config` is the driver's options as JSON. */
  pools: {
    key: [['name', 'text']],
    values: [
      ['position', 'integer'],
      ['config', 'text'],
    ],
  },
  /** Null is an explicit None; no row is the default. */
  global_properties: { key: [['name', 'text']], values: [['value', 'text or null']] },
  domains: { key: [['qid', 'integer']], values: [['class', 'text']] },
  /** Null is an explicit None; no row is the default. */
  properties: {
    key: [
      ['qid', 'integer'],
      ['name', 'text'],
    ],
    values: [['value', 'text or null']],
  },
  /** `position` keeps the order in which features were first set. */
  features: {
    key: [
      ['qid', 'integer'],
      ['name', 'text'],
    ],
    values: [
      ['position', 'integer'],
      ['value', 'text'],
    ],
  },
  tags: {
    key: [
      ['qid', 'integer'],
      ['tag', 'text'],
    ],
    values: [],
  },
  notes: { key: [['qid', 'integer']], values: [['text', 'text']] },
  firewall: { key: [['qid', 'integer']], values: [['rules', 'text']] },
  /** `config` is the volume's config as JSON. */
  volumes: {
    key: [
      ['qid', 'integer'],
      ['name', 'text'],
    ],
    values: [['config', 'text']],
  },
  /** Assignments; `qid` is the frontend, `options` is JSON. */
  devices: {
    key: [
      ['qid', 'integer'],
      ['class', 'text'],
      ['backend', 'text'],
      ['port', 'text'],
      ['device_id', 'text'],
    ],
    values: [
      ['mode', 'text'],
      ['options', 'text'],
    ],
  },
  /** Work on disk or hypervisor that was begun; start-up finishes or undoes what the end of the daemon interrupted. */
  intents: {
    key: [['id', 'integer']],
    values: [
      ['kind', 'text'],
      ['subject', 'text'],
      ['details', 'text'],
      ['boot_id', 'text'],
    ],
  },
  /** Numbers of disposables that may be given out again some time after `released_ms` (milliseconds since 1970). */
  released_dispids: { key: [['dispid', 'integer']], values: [['released_ms', 'integer']] },
  /** Facts about the state as a whole. */
  meta: { key: [['key', 'text']], values: [['value', 'text']] },
} as const

export type TableName = keyof typeof tables

/** What a cell can hold. */
export type Cell = string | number | null

type CellOf<T extends ColumnType> = T extends 'integer' ? number : T extends 'text' ? string : string | null
type CellsOf<Columns extends readonly Column[]> = { -readonly [I in keyof Columns]: CellOf<Columns[I][1]> }

/** The cells of a row's key: no two rows of a table have the same. */
export type KeyOf<N extends TableName> = CellsOf<(typeof tables)[N]['key']>

/** The cells of a row that are not its key. */
export type ValuesOf<N extends TableName> = CellsOf<(typeof tables)[N]['values']>

/** A row as it is loaded: key, then values. */
export type RowOf<N extends TableName> = [...KeyOf<N>, ...ValuesOf<N>]

type PrefixOf<Key extends readonly Cell[]> = Key extends readonly [
  infer First extends Cell,
  ...infer Rest extends readonly Cell[],
]
  ? [First] | [First, ...PrefixOf<Rest>]
  : never

/** The first cells of a key, at least one. */
export type KeyPrefixOf<N extends TableName> = readonly Cell[] & PrefixOf<KeyOf<N>>

/** The names of all tables. */
export const tableNames: readonly TableName[] = Object.keys(tables) as TableName[]

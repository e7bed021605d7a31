import type { Cell, KeyOf, KeyPrefixOf, TableName, ValuesOf } from './tables.ts'

/** A row is put in place of whatever had its key. */
export interface RowPut {
  readonly op: 'put'
  readonly table: TableName
  readonly key: readonly Cell[]
  readonly values: readonly Cell[]
}

/** All rows whose key begins with `key` go. */
export interface RowDelete {
  readonly op: 'delete'
  readonly table: TableName
  readonly key: readonly Cell[]
}

/** One change of what is stored; made by `put` and `remove`, which see to it that the cells fit the table. */
export type RowChange = RowPut | RowDelete

/** A row that is new or takes the place of the one with the same key. */
export function put<N extends TableName>(table: N, key: KeyOf<N>, values: ValuesOf<N>): RowPut {
  return { op: 'put', table, key, values }
}

/** The row with this key goes, or all rows whose key begins so: `remove('properties', [qid])`. None is fine. */
export function remove<N extends TableName>(table: N, key: KeyPrefixOf<N>): RowDelete {
  return { op: 'delete', table, key }
}

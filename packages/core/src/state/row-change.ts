import type { Cell, KeyOf, KeyPrefixOf, TableName, ValuesOf } from './tables.ts'

/** A row is stored; it replaces the row with the same key, if there is one. */
export interface RowPut {
  readonly op: 'put'
  readonly table: TableName
  readonly key: readonly Cell[]
  readonly values: readonly Cell[]
}

/** All rows whose key begins with `key` are removed. */
export interface RowDelete {
  readonly op: 'delete'
  readonly table: TableName
  readonly key: readonly Cell[]
}

/** One change of what is stored. `put` and `remove` make it: their types make sure that the cells fit the table. */
export type RowChange = RowPut | RowDelete

/** Stores a row, in place of the row with the same key if there is one. */
export function put<N extends TableName>(table: N, key: KeyOf<N>, values: ValuesOf<N>): RowPut {
  return { op: 'put', table, key, values }
}

/** Removes the row with this key, or all rows whose key begins so: `remove('properties', [qid])`. There may be no such row. */
export function remove<N extends TableName>(table: N, key: KeyPrefixOf<N>): RowDelete {
  return { op: 'delete', table, key }
}

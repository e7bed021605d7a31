import type { StateStore } from '../state-store.ts'
import { type RowOf, type TableName, tableNames } from '../tables.ts'

/** Everything that is stored: the rows of each table, in the order of their keys. */
export type Snapshot = { readonly [N in TableName]: readonly RowOf<N>[] }

/** Reads everything that is stored. */
export async function snapshotOf(store: StateStore): Promise<Snapshot> {
  const tables: [TableName, unknown][] = []
  for (const table of tableNames) {
    const rows: unknown[] = []
    for await (const some of store.read(table)) rows.push(...some)
    tables.push([table, rows])
  }
  return Object.fromEntries(tables) as Snapshot
}

import { msg } from '@cloister/kit'
import type { StateStore } from '../state/state-store.ts'
import { StateStoreError } from '../state/state-store.ts'
import type { RowOf, TableName } from '../state/tables.ts'

/** The error for a missing row, or a row without an owner, with which the daemon must not start. `what` is a sentence. */
export function damagedState(what: string): StateStoreError {
  return new StateStoreError(
    'corrupt',
    msg`The state cannot be used: ${what}. Restore the state database from a backup, or install the release that wrote it`,
  )
}

/** Calls `load` for each row of a table, in the order of the keys. */
export async function eachRow<N extends TableName>(
  store: StateStore,
  table: N,
  load: (row: RowOf<N>) => void,
): Promise<void> {
  for await (const rows of store.read(table)) for (const row of rows) load(row)
}

export async function allRows<N extends TableName>(store: StateStore, table: N): Promise<RowOf<N>[]> {
  const all: RowOf<N>[] = []
  await eachRow(store, table, (row) => all.push(row))
  return all
}

import type { RowChange } from '../row-change.ts'
import type { Cell } from '../tables.ts'

/** A model of a store: the rows of all tables in one map. */
export class RowModel {
  readonly #rows = new Map<
    string,
    { readonly table: string; readonly key: readonly Cell[]; readonly values: readonly Cell[] }
  >()

  apply(changes: readonly RowChange[]): void {
    for (const change of changes) {
      if (change.op === 'put') this.#rows.set(JSON.stringify([change.table, change.key]), change)
      else this.#remove(change.table, change.key)
    }
  }

  /** All rows of a table, key first, sorted by their JSON. */
  rows(table: string): Cell[][] {
    const found = [...this.#rows.values()].filter((row) => row.table === table)
    return sorted(found.map(({ key, values }) => [...key, ...values]))
  }

  #remove(table: string, prefix: readonly Cell[]): void {
    for (const [id, row] of this.#rows) {
      if (row.table === table && prefix.every((cell, index) => row.key[index] === cell)) this.#rows.delete(id)
    }
  }
}

/** Rows in an order that does not depend on where they come from. */
export function sorted(rows: readonly (readonly Cell[])[]): Cell[][] {
  return rows.map((row) => [...row]).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

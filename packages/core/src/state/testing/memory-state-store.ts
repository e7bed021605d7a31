import type { RowChange } from '../row-change.ts'
import type { StateStore } from '../state-store.ts'
import type { RowOf, TableName } from '../tables.ts'
import { RowModel } from './row-model.ts'

/** A store in memory: what was committed outlives the daemon that a test kills. */
export class MemoryStateStore implements StateStore {
  readonly failed = undefined
  readonly #rows = new RowModel()

  async *read<N extends TableName>(table: N): AsyncIterable<readonly RowOf<N>[]> {
    yield this.#rows.rows(table) as unknown as readonly RowOf<N>[]
  }

  async commit(changes: readonly RowChange[]): Promise<void> {
    this.#rows.apply(changes)
  }

  async close(): Promise<void> {}
}

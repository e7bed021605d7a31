import type { Faults } from '@cloister/os'
import type { RowChange } from '../row-change.ts'
import type { StateStore, StateStoreError } from '../state-store.ts'
import type { RowOf, TableName } from '../tables.ts'

/** A store of which single commits fail. To `faults` a commit is a step whose path is the JSON of the changes. */
export class FaultyStateStore implements StateStore {
  readonly #store: StateStore
  readonly #faults: Faults

  constructor(store: StateStore, faults: Faults) {
    this.#store = store
    this.#faults = faults
  }

  get failed(): StateStoreError | undefined {
    return this.#store.failed
  }

  read<N extends TableName>(table: N): AsyncIterable<readonly RowOf<N>[]> {
    return this.#store.read(table)
  }

  async commit(changes: readonly RowChange[]): Promise<void> {
    this.#faults.step('commit', JSON.stringify(changes))
    await this.#store.commit(changes)
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

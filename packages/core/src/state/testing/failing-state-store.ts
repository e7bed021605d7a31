import { msg } from '@cloister/kit'
import type { RowChange } from '../row-change.ts'
import { type Snapshot, type StateStore, StateStoreError } from '../state-store.ts'

/** A store of which single commits fail, as on a full disk, when a test says so. */
export class FailingStateStore implements StateStore {
  readonly #store: StateStore
  #planned = 0
  #wanted: (changes: readonly RowChange[]) => boolean = () => true

  constructor(store: StateStore) {
    this.#store = store
  }

  get failed(): StateStoreError | undefined {
    return this.#store.failed
  }

  /** Makes the next `count` commits fail that hold changes such as `wanted` describes. */
  failNext(count = 1, wanted: (changes: readonly RowChange[]) => boolean = () => true): void {
    this.#planned = count
    this.#wanted = wanted
  }

  load(): Promise<Snapshot> {
    return this.#store.load()
  }

  async commit(changes: readonly RowChange[]): Promise<void> {
    if (this.#planned > 0 && this.#wanted(changes)) {
      this.#planned--
      throw new StateStoreError('full', msg`no space`)
    }
    await this.#store.commit(changes)
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

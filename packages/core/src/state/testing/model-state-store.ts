import type { RowChange } from '../row-change.ts'
import { type StateStore, StateStoreError } from '../state-store.ts'
import { RowModel } from './row-model.ts'

interface PendingCommit {
  readonly changes: readonly RowChange[]
  readonly done: PromiseWithResolvers<void>
}

/** A store in which the test ends each commit, with success or failure. */
export class ModelStateStore implements StateStore {
  readonly durable: RowModel = new RowModel()
  readonly commits: (readonly RowChange[])[] = []
  failed: StateStoreError | undefined
  #pending: PendingCommit | undefined

  get busy(): boolean {
    return this.#pending !== undefined
  }

  read(): never {
    throw new Error('the model has nothing to load')
  }

  async commit(changes: readonly RowChange[]): Promise<void> {
    if (this.#pending) throw new Error('a commit is under way')
    this.commits.push(changes)
    this.#pending = { changes, done: Promise.withResolvers<void>() }
    return this.#pending.done.promise
  }

  async close(): Promise<void> {}

  /** Lets the commit under way succeed. */
  succeed(): void {
    const pending = this.#take()
    this.durable.apply(pending.changes)
    pending.done.resolve()
  }

  /** Lets the commit under way fail; for good, if `lasting`. */
  fail({ lasting = false } = {}): void {
    const error = new StateStoreError('full', { format: 'no space', fields: [] })
    if (lasting) this.failed = error
    this.#take().done.reject(error)
  }

  #take(): PendingCommit {
    const pending = this.#pending
    if (!pending) throw new Error('no commit is under way')
    this.#pending = undefined
    return pending
  }
}

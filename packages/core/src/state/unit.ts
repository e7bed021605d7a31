import { put, type RowChange, remove } from './row-change.ts'
import type { KeyOf, KeyPrefixOf, TableName, ValuesOf } from './tables.ts'

/** Undoes one change in memory; `order` is its place among the inverses of all units. */
export interface Inverse {
  readonly order: number
  readonly run: () => void
}

/** What a unit gathers. */
export interface Work<E> {
  readonly changes: RowChange[]
  readonly inverses: Inverse[]
  readonly events: E[]
  /** Why nothing more can be added: it was committed, or the error to throw; undefined as long as the unit is open. */
  over: 'committed' | Error | undefined
}

/** What a unit asks of its journal. */
export interface UnitJournal<E> {
  nextOrder(): number
  /** Resolves when the work, and all finished before it, is durable and its events have left. */
  finish(work: Work<E>): Promise<void>
  abandon(work: Work<E>, reason: unknown): void
}

/**
 * The changes of one call, complete: rows to store, inverses of what was changed in memory, events to tell. Made by
 * `Journal.begin`; ends with `commit` or `rollback`. When a commit of the journal fails while a unit is open, the unit is
 * undone with the others, and every later use throws that StateWriteError.
 */
export class Unit<E> {
  readonly #journal: UnitJournal<E>
  readonly #work: Work<E>

  constructor(journal: UnitJournal<E>, work: Work<E>) {
    this.#journal = journal
    this.#work = work
  }

  /** Stores a row in place of the one with the same key. */
  put<N extends TableName>(table: N, key: KeyOf<N>, values: ValuesOf<N>): void {
    this.#open().changes.push(put(table, key, values))
  }

  /** Removes the row with this key, or all rows whose key begins so. */
  delete<N extends TableName>(table: N, key: KeyPrefixOf<N>): void {
    this.#open().changes.push(remove(table, key))
  }

  /**
   * Says how to undo a change in memory that was just made (or is made right after). When the unit is over, the inverse runs
   * at once before the error is thrown, so that the change does not stay.
   */
  undo(inverse: () => void): void {
    if (this.#work.over) inverse()
    this.#open().inverses.push({ order: this.#journal.nextOrder(), run: inverse })
  }

  /** An event that leaves when the unit is durable. */
  emit(event: E): void {
    this.#open().events.push(event)
  }

  /**
   * Ends the unit: resolves when it is durable and its events have left, after all units that were committed before it.
   * @throws StateWriteError when it was undone
   */
  async commit(): Promise<void> {
    return this.#journal.finish(this.#open())
  }

  /** Ends the unit: undoes its changes in memory and forgets the rest. Nothing happens when it is over. */
  rollback(reason?: unknown): void {
    if (!this.#work.over) this.#journal.abandon(this.#work, reason)
  }

  #open(): Work<E> {
    const { over } = this.#work
    if (over === 'committed') throw new Error('the unit of work is committed: nothing can be added')
    if (over) throw over
    return this.#work
  }
}

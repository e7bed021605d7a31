import { put, type RowChange, remove } from './row-change.ts'
import type { KeyOf, KeyPrefixOf, TableName, ValuesOf } from './tables.ts'

/** Undoes one change in memory; `order` is its place among the inverses of all units. */
export interface Inverse {
  readonly order: number
  readonly run: () => void
}

/** What a unit of work has collected so far. */
export interface Work<E> {
  readonly changes: RowChange[]
  readonly inverses: Inverse[]
  readonly events: E[]
  /** Why nothing more can be added: it was committed, or the error to throw; undefined as long as the unit is open. */
  over: 'committed' | Error | undefined
}

/** The calls of a unit to its journal. */
export interface UnitJournal<E> {
  nextOrder(): number
  /** Resolves when the work, and all finished before it, is durable and its events have left. */
  finish(work: Work<E>): Promise<void>
  abandon(work: Work<E>, reason: unknown): void
}

/**
 * All changes of one call: the rows to store, how to undo what was changed in memory, and the events to send. Made by
 * `Journal.begin`; ends with `commit` or `rollback`. When a commit of the journal fails while a unit is open, the unit is
 * undone together with the others, and every later use of it throws that StateWriteError.
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
   * Registers the inverse of a change in memory, just before or after that change. When the unit has ended already, the inverse
   * runs at once, before the error is thrown.
   */
  onRollback(inverse: () => void): void {
    if (this.#work.over) inverse()
    this.#open().inverses.push({ order: this.#journal.nextOrder(), run: inverse })
  }

  /** Adds an event, which is sent when the unit is durable. */
  emit(event: E): void {
    this.#open().events.push(event)
  }

  /**
   * Ends the unit: resolves when it is durable and its events were sent, after those of all units committed before it.
   * @throws StateWriteError when it was undone
   */
  async commit(): Promise<void> {
    return this.#journal.finish(this.#open())
  }

  /** Ends the unit: undoes its changes in memory and drops its rows and events. A unit that has ended stays as it is. */
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

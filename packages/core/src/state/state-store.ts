import { CloisterError, type Message } from '@cloister/kit'
import type { RowChange } from './row-change.ts'
import type { RowOf, TableName } from './tables.ts'

/**
 * Why a store refused:
 * - `full`: no space is left;
 * - `io`: the disk or the file system failed;
 * - `locked`: another process has the store;
 * - `corrupt`: what is on disk is not a database of ours, or is damaged;
 * - `missing`: there is no database, but files beside it show that there was one;
 * - `version`: the database was written by a newer release;
 * - `invalid`: a change does not fit its table (a defect of the caller);
 * - `closed`: the store was closed, or has failed for good.
 */
export type StateStoreReason = 'full' | 'io' | 'locked' | 'corrupt' | 'missing' | 'version' | 'invalid' | 'closed'

/** The store could not be opened, read or written. */
export class StateStoreError extends CloisterError {
  readonly reason: StateStoreReason

  constructor(reason: StateStoreReason, text: Message, options?: ErrorOptions) {
    super(text, options)
    this.reason = reason
  }
}

/** Where the state is kept. Errors are StateStoreError. */
export interface StateStore {
  /**
   * Set once the store can no longer say what is on disk: a failed commit could not be rolled back, or the database's
   * thread died. Every call is refused from then on. Opening the state again shows what is durable.
   */
  readonly failed: StateStoreError | undefined

  /**
   * The rows of a table in the order of their keys, for start-up. They come in groups, so that no table is in memory as a
   * whole. No commit may be made meanwhile, and one table is read at a time.
   */
  read<N extends TableName>(table: N): AsyncIterable<readonly RowOf<N>[]>

  /**
   * Makes all changes, in their order, durable in one transaction. When it fails nothing is changed and the store can be
   * used as before, unless `failed` says otherwise. Commits are done in the order of the calls.
   */
  commit(changes: readonly RowChange[]): Promise<void>

  /** Closes the state when all earlier commits are done. */
  close(): Promise<void>
}

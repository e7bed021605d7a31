import type { TableName } from '../tables.ts'
import type { Failure } from './failure.ts'
import type { FlatChanges } from './statements.ts'

/** What the database's thread is given to start with. */
export interface ThreadData {
  readonly path: string
  /** The file with the number of the last commit. */
  readonly generationPath: string
}

/** What the thread can be asked; it answers in the order of the questions, after a first answer that tells of its start. */
export type Request =
  | { readonly kind: 'read'; readonly table: TableName; readonly count: number }
  | { readonly kind: 'commit'; readonly changes: FlatChanges }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'close' }

/** An answer: what was asked for (`read` alone has something to give), or why not. */
export type Answer = { readonly value: unknown } | { readonly failure: Failure }

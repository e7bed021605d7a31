import type { TableName } from '../tables.ts'
import type { Failure } from './failure.ts'
import type { FlatChanges } from './statements.ts'

/** The parameters of the database's thread. */
export interface ThreadData {
  readonly path: string
  /** The file with the number of the last commit. */
  readonly generationPath: string
}

/** The requests to the thread. Its first answer is about its start; the others come in the order of the requests. */
export type Request =
  | { readonly kind: 'read'; readonly table: TableName; readonly count: number }
  | { readonly kind: 'commit'; readonly changes: FlatChanges }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'close' }

/** An answer: the value of a request (only `read` has one), or why the request failed. */
export type Answer = { readonly value: unknown } | { readonly failure: Failure }

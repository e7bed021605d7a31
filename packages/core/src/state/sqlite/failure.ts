import { errorText } from '@cloister/kit'
import type { StateStoreReason } from '../state-store.ts'

/** Why a request to the database's thread failed, in a form that can be sent between threads. */
export interface Failure {
  readonly reason: StateStoreReason
  readonly detail: string
  /** True when it is unknown what is on disk now: the database must not be used any more. */
  readonly lasting: boolean
}

/** SQLite's primary result codes that have a reason of their own. */
const reasons: Readonly<Record<number, StateStoreReason>> = {
  1: 'invalid', // SQLITE_ERROR: a statement does not fit the database
  5: 'locked', // SQLITE_BUSY
  6: 'locked', // SQLITE_LOCKED
  11: 'corrupt', // SQLITE_CORRUPT
  13: 'full', // SQLITE_FULL
  19: 'invalid', // SQLITE_CONSTRAINT
  20: 'invalid', // SQLITE_MISMATCH
  26: 'corrupt', // SQLITE_NOTADB
}

/** SQLite's codes for a failed fsync, of a file and of a folder: it is unknown whether the data reached the disk. */
const syncFailures: ReadonlySet<number> = new Set([1034, 1290])

/** The database cannot be used, for a reason that SQLite itself does not see. */
export class UnusableDatabaseError extends Error {
  readonly reason: 'corrupt' | 'version'

  constructor(reason: 'corrupt' | 'version', detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.reason = reason
  }
}

/** A transaction failed (`cause`), and so did its roll-back. */
export class RollbackFailedError extends Error {}

/** An error of the thread as a failure. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof RollbackFailedError) {
    return { ...failureOf(thrown.cause), detail: thrown.message, lasting: true }
  }
  if (thrown instanceof UnusableDatabaseError) {
    return { reason: thrown.reason, detail: oneLine(thrown.message), lasting: false }
  }
  const detail = oneLine(errorText(thrown))
  const code = sqliteCode(thrown)
  // An error without a code of SQLite is about a cell that cannot be stored.
  if (code === undefined) return { reason: 'invalid', detail, lasting: false }
  return { reason: reasons[code & 0xff] ?? 'io', detail, lasting: syncFailures.has(code) }
}

/** Joins an error text of SQLite that has several lines; the first line may be a headline between stars. */
function oneLine(text: string): string {
  return text.replace(/^\*.*\n/, '').replaceAll(/\s+/g, ' ')
}

/** SQLite's extended result code. */
function sqliteCode(thrown: unknown): number | undefined {
  return thrown instanceof Error && 'errcode' in thrown && typeof thrown.errcode === 'number'
    ? thrown.errcode
    : undefined
}

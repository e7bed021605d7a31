import { type Message, msg } from '@cloister/kit'
import { StateStoreError, type StateStoreReason } from '../state-store.ts'
import { ThreadError } from './database-thread.ts'

/** The message for each reason, about the database at `path`; `detail` is SQLite's message. */
const texts: Readonly<Record<StateStoreReason, (path: string, detail: string) => Message>> = {
  full: (path) => msg`No space is left for the state database ${path}: remove files or domains from its disk`,
  io: (path, detail) =>
    msg`The state database ${path} cannot be read or written: ${detail}. Check its disk, and the owner and mode of the file`,
  locked: (path) => msg`The state database ${path} is in use by another process`,
  corrupt: (path, detail) =>
    msg`The state database ${path} is damaged: ${detail}. Restore it from a backup, together with its write-ahead log ${`${path}-wal`} if the backup has one`,
  missing: (path, detail) =>
    msg`The state database ${path} is missing, but there was one: ${detail}. Restore it from a backup; or start with an empty state: \`cloisterd --accept-empty\``,
  version: (path, detail) =>
    msg`The state database ${path} was written by a newer release: ${detail}. Install that release, or restore a backup of this one`,
  invalid: (path, detail) => msg`The state database ${path} refused a change: ${detail}`,
  closed: (path, detail) => msg`The state database ${path} is closed: ${detail}`,
}

/** Converts an error of the database's thread into an error of the store. */
export function storeError(thrown: unknown, path: string): StateStoreError {
  const { reason, detail } =
    thrown instanceof ThreadError ? thrown.failure : { reason: 'io' as const, detail: String(thrown) }
  return new StateStoreError(reason, texts[reason](path, detail), { cause: thrown })
}

/** There is no database at `path`; `trace` says what shows that there was one. */
export function missingDatabase(path: string, trace: string): StateStoreError {
  return new StateStoreError('missing', texts.missing(path, trace))
}

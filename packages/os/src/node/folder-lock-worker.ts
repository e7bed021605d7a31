import { DatabaseSync } from 'node:sqlite'
import { parentPort } from 'node:worker_threads'

// The thread that holds the locks of this process. Node cannot lock files, but SQLite can: an exclusive transaction on an empty
// database holds a lock of the kernel (POSIX) on its file, and writes nothing. Such a lock ends when any descriptor of that file
// is closed in the process: no other code of this process may open the file.

/** A request to the thread: to lock the file `take`, or to release the lock that the request with that number took. */
export type LockRequest =
  | { readonly id: number; readonly take: string }
  | { readonly id: number; readonly release: number }

/** The answer to the request with that number. */
export interface LockAnswer {
  readonly id: number
  readonly failure?: Failure
}
/** Why a request failed: `busy` when another holder has the lock, else the text of the error. */
export type Failure = 'busy' | { readonly text: string }

/** SQLite's error numbers (SQLITE_BUSY, SQLITE_LOCKED) for a lock that another holder has. */
const busyCodes: ReadonlySet<unknown> = new Set([5, 6])
const held = new Map<number, DatabaseSync>()

function lock(path: string): DatabaseSync {
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function failureOf(error: unknown): Failure {
  const isBusy = error instanceof Error && 'errcode' in error && busyCodes.has(error.errcode)
  return isBusy ? 'busy' : { text: error instanceof Error ? error.message : String(error) }
}

parentPort?.on('message', (request: LockRequest) => {
  const { id } = request
  let answer: LockAnswer = { id }
  try {
    if ('take' in request) held.set(id, lock(request.take))
    else {
      held.get(request.release)?.close()
      held.delete(request.release)
    }
  } catch (error) {
    answer = { id, failure: failureOf(error) }
  }
  parentPort?.postMessage(answer)
})

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { failureOf } from './failure.ts'
import { StateDatabase } from './state-database.ts'
import type { Answer, Request, ThreadData } from './thread-messages.ts'

// The database's thread: carries out requests, one after the other.

/** After this many changes the log is moved into the database file as soon as no request has come for `quietMs`. */
const changesToCheckpoint = 100
const quietMs = 10

let changed = 0
let quiet: NodeJS.Timeout | undefined

function serve(port: MessagePort): void {
  const answer = (work: () => unknown): void => port.postMessage(answerOf(work))
  let database: StateDatabase | undefined
  answer(() => {
    const data: ThreadData = workerData
    database = new StateDatabase(data)
  })
  if (!database) {
    port.close()
    return
  }
  const opened: StateDatabase = database
  port.on('message', (request: Request) => {
    clearTimeout(quiet)
    answer(() => perform(opened, request))
    if (request.kind === 'close') port.close()
    else if (changed >= changesToCheckpoint) quiet = setTimeout(() => checkpoint(opened), quietMs)
  })
}

function answerOf(work: () => unknown): Answer {
  try {
    return { value: work() }
  } catch (thrown) {
    return { failure: failureOf(thrown) }
  }
}

function perform(database: StateDatabase, request: Request): unknown {
  switch (request.kind) {
    case 'read':
      return database.read(request.table, request.count)
    case 'commit':
      changed += request.changes.statements.length
      return database.commit(request.changes)
    case 'checkpoint':
      return database.checkpoint()
    case 'close':
      return database.close()
  }
}

/** Moves the log into the database file. A failure loses nothing: the log stays, and the next attempt moves it. */
function checkpoint(database: StateDatabase): void {
  try {
    database.checkpoint()
    changed = 0
  } catch {
    // The disk is full or failing: the next commit reports it.
  }
}

if (parentPort) serve(parentPort)

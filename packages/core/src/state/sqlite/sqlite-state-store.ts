import { asciiText, errorText, Mutex, msg, utf8 } from '@cloister/kit'
import { errorCode, type Files, makeFolderDurably, type Os, removeIfPresent, temporaryName } from '@cloister/os'
import type { RowChange } from '../row-change.ts'
import { type StateStore, StateStoreError } from '../state-store.ts'
import type { RowOf, TableName } from '../tables.ts'
import { DatabaseThread, ThreadError } from './database-thread.ts'
import { ReserveFile } from './reserve-file.ts'
import { flatten } from './statements.ts'
import { missingDatabase, storeError } from './store-errors.ts'
import type { Request } from './thread-messages.ts'

/** Names in the folder of the state. */
const names = {
  database: 'state.db',
  log: 'state.db-wal',
  generation: 'state.generation',
  pid: 'state.pid',
  reserve: 'state.reserve',
} as const

/** How often a commit is tried when the reserve was given back. */
const attemptsInFreedSpace = 5

/** How a store is opened. */
export interface OpenStoreOptions {
  readonly os: Os
  /** Begin an empty state although a database is missing, of which other files are left. */
  readonly acceptEmpty?: boolean
}

/** Rows of one answer of the thread: few, so that the garbage collector frees them early. */
const rowsAtATime = 500

/**
 * The state in an SQLite database with a write-ahead log (design, decisions 4 and 5). The database is locked for as long
 * as the store is open; a reserve file beside it keeps some space back for when the disk is full.
 *
 * Nothing else in this process may open the database file: the lock is one of POSIX, which ends as soon as any descriptor of
 * the file is closed.
 */
export class SqliteStateStore implements StateStore {
  readonly #path: string
  readonly #thread: DatabaseThread
  readonly #reserve: ReserveFile
  readonly #turn = new Mutex()
  #closing: Promise<void> | undefined
  #failed: StateStoreError | undefined

  private constructor(path: string, thread: DatabaseThread, reserve: ReserveFile) {
    this.#path = path
    this.#thread = thread
    this.#reserve = reserve
  }

  /**
   * Opens the state in `folder`, whose parent must exist; creates an empty state when there never was one.
   * @throws StateStoreError
   */
  static async open(folder: string, { os, acceptEmpty = false }: OpenStoreOptions): Promise<SqliteStateStore> {
    const path = `${folder}/${names.database}`
    await checkMissing(os.files, folder, acceptEmpty)
    await prepareFiles(os.files, folder, path)
    const thread = await startThread(os.files, folder, path)
    await leavePid(os.files, `${folder}/${names.pid}`)
    const reserve = new ReserveFile(os, folder, names.reserve)
    reserve.restore()
    return new SqliteStateStore(path, thread, reserve)
  }

  get failed(): StateStoreError | undefined {
    return this.#failed
  }

  async *read<N extends TableName>(table: N): AsyncGenerator<readonly RowOf<N>[]> {
    let rows: readonly RowOf<N>[]
    do {
      this.#refuseWhenOver()
      // The rows were checked against the types of their columns when they were written (the tables are strict).
      rows = (await this.#ask({ kind: 'read', table, count: rowsAtATime })) as readonly RowOf<N>[]
      yield rows
    } while (rows.length === rowsAtATime)
  }

  async commit(changes: readonly RowChange[]): Promise<void> {
    this.#refuseWhenOver()
    await this.#turn.run(() => this.#commit(changes))
  }

  close(): Promise<void> {
    this.#closing ??= this.#turn.run(() => this.#close())
    return this.#closing
  }

  async #commit(changes: readonly RowChange[]): Promise<void> {
    this.#refuseWhenFailed()
    const request = { kind: 'commit', changes: flatten(changes) } as const
    try {
      await this.#ask(request)
    } catch (error) {
      if (!isFull(error) || this.#failed || !makesRoom(changes)) throw error
      if (!(await this.#reserve.release())) throw error
      await this.#commitInFreedSpace(request)
    }
    this.#reserve.restore()
  }

  /** A file system may give freed space back in parts: each attempt writes out what was freed by the one before. */
  async #commitInFreedSpace(request: Request): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await this.#useFreedSpace()
      try {
        await this.#ask(request)
        return
      } catch (error) {
        if (!isFull(error) || attempt === attemptsInFreedSpace) throw error
        await this.#reserve.writeBack()
      }
    }
  }

  /** Moves the log into the database file, so that the next commits need no room for theirs. */
  async #useFreedSpace(): Promise<void> {
    try {
      await this.#ask({ kind: 'checkpoint' })
    } catch (error) {
      if (!isFull(error)) throw error
    }
  }

  async #close(): Promise<void> {
    await this.#reserve.settled()
    await this.#thread.close()
  }

  #refuseWhenOver(): void {
    this.#refuseWhenFailed()
    if (this.#closing) throw new StateStoreError('closed', msg`The state in ${this.#path} is closed`)
  }

  #refuseWhenFailed(): void {
    if (this.#failed) throw this.#failed
  }

  /** Asks the thread. A failure of the thread becomes an error of the store; after a lasting failure the store refuses all. */
  async #ask(request: Request): Promise<unknown> {
    try {
      return await this.#thread.ask(request)
    } catch (thrown) {
      const error = storeError(thrown, this.#path)
      if (thrown instanceof ThreadError && thrown.failure.lasting) this.#failed ??= error
      throw error
    }
  }
}

function isFull(thrown: unknown): boolean {
  return thrown instanceof StateStoreError && thrown.reason === 'full'
}

/**
 * True for changes that may use the reserve: they remove rows, or write an intent, with which every removal begins. Changes
 * that only add rows may not use it.
 */
function makesRoom(changes: readonly RowChange[]): boolean {
  return changes.some((change) => change.op === 'delete' || change.table === 'intents')
}

/**
 * Refuses to begin an empty state when files show that a database is missing. With `acceptEmpty` the log of the missing database
 * is moved aside, because SQLite would remove a log without a database.
 */
async function checkMissing(files: Files, folder: string, acceptEmpty: boolean): Promise<void> {
  const path = `${folder}/${names.database}`
  const size = async (name: string): Promise<bigint> => (await files.stat(`${folder}/${name}`))?.size ?? 0n
  if ((await size(names.database)) > 0n) return
  const traces: string[] = []
  for (const name of [names.log, names.generation]) if ((await size(name)) > 0n) traces.push(name)
  if (traces.length === 0) return
  if (!acceptEmpty) throw missingDatabase(path, `its folder still has ${traces.join(' and ')}`)
  for (const name of traces) await files.rename(`${folder}/${name}`, temporaryName(`${folder}/${name}.aside`))
  await files.syncFolder(folder)
}

/** A folder, if there is none, and an empty database that no other user may read. The log beside the database gets the mode of the database. */
async function prepareFiles(files: Files, folder: string, path: string): Promise<void> {
  try {
    await makeFolderDurably(files, folder, 0o700)
    await files.create(path, { mode: 0o600 }).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error
    })
    await files.setMode(path, 0o600)
    await files.syncFolder(folder)
  } catch (cause) {
    throw new StateStoreError('io', msg`Cannot prepare the folder ${folder} for the state: ${errorText(cause)}`, {
      cause,
    })
  }
}

async function startThread(files: Files, folder: string, path: string): Promise<DatabaseThread> {
  try {
    return await DatabaseThread.start({ path, generationPath: `${folder}/${names.generation}` })
  } catch (cause) {
    const error = storeError(cause, path)
    if (error.reason !== 'locked') throw error
    const holder = await pidIn(files, `${folder}/${names.pid}`)
    throw new StateStoreError('locked', msg`The state in ${folder} is in use by another cloisterd${holder}`, { cause })
  }
}

/** Writes the pid of this process beside the state it has locked, for the message to a second daemon. The lock alone decides. */
async function leavePid(files: Files, path: string): Promise<void> {
  try {
    await removeIfPresent(files, path)
    await files.create(path, { data: utf8(`${process.pid}\n`) })
  } catch {
    // The disk is full: the message to a second daemon names no pid.
  }
}

/** ` (pid N)` as the file says, or the empty text. */
async function pidIn(files: Files, path: string): Promise<string> {
  const text = asciiText(await files.read(path, 32).catch(() => new Uint8Array()))
  const pid = /^(\d+)\n$/.exec(text ?? '')?.[1]
  return pid ? ` (pid ${pid})` : ''
}

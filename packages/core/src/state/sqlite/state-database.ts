import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { TableName } from '../tables.ts'
import { failureOf, RollbackFailedError, UnusableDatabaseError } from './failure.ts'
import { migrations } from './migrations.ts'
import { changeStatements, type FlatChanges, loadSql } from './statements.ts'

/**
 * The database file, synchronous: lives in a thread of its own. The lock on it is taken when it is opened and ends with `close`
 * or the process.
 */
export class StateDatabase {
  readonly #database: DatabaseSync
  readonly #changes: readonly { readonly statement: StatementSync; readonly cells: number }[]
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #rollback: StatementSync
  #reading: Generator<unknown> | undefined

  constructor(path: string) {
    const database = new DatabaseSync(path, { timeout: 0, enableForeignKeyConstraints: false })
    try {
      prepareDatabase(database)
      this.#changes = changeStatements.map(({ sql, cells }) => ({ statement: database.prepare(sql), cells }))
      this.#begin = database.prepare('BEGIN')
      this.#commit = database.prepare('COMMIT')
      this.#rollback = database.prepare('ROLLBACK')
    } catch (error) {
      database.close()
      throw error
    }
    this.#database = database
  }

  /** The first rows of a table, or after others the next; each an array of its cells, key first. Fewer than `count` are the last. */
  read(table: TableName, count: number): unknown[] {
    this.#reading ??= this.#rows(table)
    const rows: unknown[] = []
    while (rows.length < count) {
      const { done, value } = this.#reading.next()
      if (done) break
      rows.push(value)
    }
    if (rows.length < count) this.#reading = undefined
    return rows
  }

  /**
   * Makes the changes durable together, or none of them. On a full disk it first makes the log free to be used again, so
   * that changes which need no more room than before are still possible.
   */
  commit(changes: FlatChanges): void {
    try {
      this.#transact(changes)
    } catch (error) {
      const { reason, lasting } = failureOf(error)
      if (reason !== 'full' || lasting) throw error
      this.checkpoint()
      this.#transact(changes)
    }
  }

  /** Moves what the log holds into the database file; the next commit then writes the log from its beginning. */
  checkpoint(): void {
    this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)')
  }

  close(): void {
    this.#database.close()
  }

  *#rows(table: TableName): Generator<unknown> {
    const statement = this.#database.prepare(loadSql(table))
    statement.setReturnArrays(true)
    yield* statement.iterate()
  }

  #transact(changes: FlatChanges): void {
    this.#begin.run()
    try {
      this.#apply(changes)
      this.#commit.run()
    } catch (error) {
      this.#goBack(error)
      throw error
    }
  }

  #goBack(cause: unknown): void {
    try {
      // Some errors end the transaction by themselves.
      if (this.#database.isTransaction) this.#rollback.run()
    } catch (error) {
      throw new RollbackFailedError(`the roll-back failed: ${String(error)}`, { cause })
    }
  }

  #apply({ statements, cells }: FlatChanges): void {
    let at = 0
    for (const number of statements) {
      const change = this.#changes[number]
      if (!change) throw new RangeError(`there is no statement ${number}`)
      change.statement.run(...cells.slice(at, at + change.cells))
      at += change.cells
    }
  }
}

/**
 * Pages (of 4 KiB) in the log at which a commit moves them into the database file; usually the thread does so earlier, when it
 * has nothing else to do. They must fit into the reserve: on a full disk it is given back for them.
 */
const longestLog = 192

/** Takes the lock, checks what is there and brings it to the schema of this release. */
function prepareDatabase(database: DatabaseSync): void {
  // The order matters: a log opened in exclusive mode needs no shared memory, and takes the lock for good.
  database.exec('PRAGMA locking_mode = EXCLUSIVE')
  const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']
  if (mode !== 'wal') throw new UnusableDatabaseError('corrupt', `it cannot have a write-ahead log, but ${mode}`)
  database.exec(`PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${longestLog}; PRAGMA trusted_schema = OFF`)
  database.exec('BEGIN IMMEDIATE; COMMIT')
  const found = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
  if (found !== 'ok') throw new UnusableDatabaseError('corrupt', String(found))
  migrate(database)
}

function migrate(database: DatabaseSync): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > migrations.length) {
    throw new UnusableDatabaseError('version', `its schema is ${version}, this release knows ${migrations.length}`)
  }
  for (const [index, statements] of migrations.entries()) {
    if (index < version) continue
    database.exec(`BEGIN; ${statements.join('; ')}; PRAGMA user_version = ${index + 1}; COMMIT`)
  }
}

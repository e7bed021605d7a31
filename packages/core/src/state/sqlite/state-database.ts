import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Cell, TableName } from '../tables.ts'
import { failureOf, RollbackFailedError, UnusableDatabaseError } from './failure.ts'
import { GenerationFile } from './generation-file.ts'
import { checkIntegrity, type Integrity, integrityCells, storeIntegritySql, sumRows } from './integrity.ts'
import { migrations } from './migrations.ts'
import type { RowSums } from './row-sums.ts'
import { changeStatements, type FlatChanges, loadSql, type Statement } from './statements.ts'
import type { ThreadData } from './thread-messages.ts'

/**
 * The database file, synchronous: lives in a thread of its own. The lock on it is taken when it is opened and ends with `close`
 * or the process.
 */
export class StateDatabase {
  readonly #database: DatabaseSync
  readonly #changes: readonly (Statement & { readonly prepared: StatementSync })[]
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #rollback: StatementSync
  readonly #storeIntegrity: StatementSync
  readonly #generationFile: GenerationFile
  #integrity: Integrity
  #reading: Generator<unknown> | undefined

  /** @throws UnusableDatabaseError, or what SQLite throws */
  constructor({ path, generationPath }: ThreadData) {
    const database = new DatabaseSync(path, { timeout: 0, enableForeignKeyConstraints: false })
    const generationFile = new GenerationFile(generationPath)
    try {
      this.#integrity = explained(() => prepareDatabase(database))
      refuseLostCommits(this.#integrity.generation, generationFile.read(), generationPath)
      this.#changes = changeStatements.map((statement) => ({ ...statement, prepared: prepare(database, statement) }))
      this.#begin = database.prepare('BEGIN')
      this.#commit = database.prepare('COMMIT')
      this.#rollback = database.prepare('ROLLBACK')
      this.#storeIntegrity = database.prepare(storeIntegritySql)
    } catch (error) {
      database.close()
      throw error
    }
    this.#database = database
    this.#generationFile = generationFile
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
    this.#generationFile.close()
    this.#database.close()
  }

  *#rows(table: TableName): Generator<unknown> {
    const statement = this.#database.prepare(loadSql(table))
    statement.setReturnArrays(true)
    yield* statement.iterate()
  }

  #transact(changes: FlatChanges): void {
    const next = { generation: this.#integrity.generation + 1, sums: this.#integrity.sums.copy() }
    this.#begin.run()
    try {
      this.#apply(changes, next.sums)
      this.#storeIntegrity.run(...integrityCells(next))
      this.#commit.run()
    } catch (error) {
      this.#goBack(error)
      throw error
    }
    this.#integrity = next
    this.#generationFile.write(next.generation)
  }

  #goBack(cause: unknown): void {
    try {
      // Some errors end the transaction by themselves.
      if (this.#database.isTransaction) this.#rollback.run()
    } catch (error) {
      throw new RollbackFailedError(`the roll-back failed: ${String(error)}`, { cause })
    }
  }

  #apply({ statements, cells }: FlatChanges, sums: RowSums): void {
    let at = 0
    for (const number of statements) {
      const change = this.#changes[number]
      if (!change) throw new RangeError(`there is no statement ${number}`)
      const own = cells.slice(at, at + change.cells)
      at += change.cells
      if (change.kind === 'insert') {
        own.forEach(refuseUnstorable)
        change.prepared.run(...own)
        sums.add(change.table, own)
      } else {
        // An array for each row, as `setReturnArrays` says.
        const removed: unknown[] = change.prepared.all(...own)
        for (const row of removed) sums.subtract(change.table, row as unknown[])
      }
    }
  }
}

/** Refuses a cell that SQLite would store as another value, so that a row is read as it was written. */
function refuseUnstorable(cell: Cell): void {
  if (typeof cell === 'string' ? !cell.isWellFormed() : cell !== null && !Number.isSafeInteger(cell))
    throw new RangeError(`the value ${JSON.stringify(cell)} cannot be stored`)
}

function prepare(database: DatabaseSync, { kind, sql }: Statement): StatementSync {
  const statement = database.prepare(sql)
  if (kind === 'delete') statement.setReturnArrays(true)
  return statement
}

/**
 * Pages (of 4 KiB) in the log at which a commit moves them into the database file; usually the thread does so earlier, when it
 * has nothing else to do. They must fit into the reserve: on a full disk it is given back for them.
 */
const longestLog = 192

/** Takes the lock, checks what is there and brings it to the schema of this release. */
function prepareDatabase(database: DatabaseSync): Integrity {
  // The order matters: a log opened in exclusive mode needs no shared memory, and takes the lock for good.
  database.exec('PRAGMA locking_mode = EXCLUSIVE')
  const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']
  if (mode !== 'wal') throw new UnusableDatabaseError('corrupt', `it cannot have a write-ahead log, but ${mode}`)
  database.exec(`PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${longestLog}; PRAGMA trusted_schema = OFF`)
  database.exec('BEGIN IMMEDIATE; COMMIT')
  const found = String(database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'])
  if (found !== 'ok') throw new UnusableDatabaseError('corrupt', found)
  return migrate(database)
}

/** A database that could be opened but does not answer the questions of this release is damaged. */
function explained<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { reason, detail } = failureOf(error)
    if (reason !== 'invalid') throw error
    throw new UnusableDatabaseError('corrupt', detail, { cause: error })
  }
}

/** Checks the database as the release that wrote it left it, then leads it forward, all in one transaction. */
function migrate(database: DatabaseSync): Integrity {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > migrations.length) {
    throw new UnusableDatabaseError('version', `its schema is ${version}, this release knows ${migrations.length}`)
  }
  const before = checkIntegrity(database, version)
  if (version === migrations.length) return before
  database.exec(`BEGIN; ${migrations.slice(version).flat().join('; ')}`)
  const after = { generation: before.generation, sums: sumRows(database) }
  database.prepare(storeIntegritySql).run(...integrityCells(after))
  database.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`)
  return after
}

/** @throws UnusableDatabaseError when more commits were acknowledged than the database holds */
function refuseLostCommits(found: number, acknowledged: number | undefined, path: string): void {
  if (acknowledged === undefined || acknowledged <= found) return
  throw new UnusableDatabaseError(
    'corrupt',
    `it lacks the last ${acknowledged - found} of ${acknowledged} changes: its write-ahead log state.db-wal was removed or damaged, or the database is an older copy. To accept the loss, remove ${path}`,
  )
}

import { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { UnusableDatabaseError } from './failure.ts'
import { migrations } from './migrations.ts'
import { addChecksum, RowSums, rowChecksum, type TableSum } from './row-sums.ts'

// The row of the table `integrity`: it shows whether a database holds exactly the committed rows.

/** The first version of the schema with the table `integrity`. */
const firstVersion = 2

/** What the row of `integrity` says. */
export interface Integrity {
  /** How many commits the database has seen. */
  readonly generation: number
  readonly sums: RowSums
}

/** Replaces the row. */
export const storeIntegritySql = 'INSERT OR REPLACE INTO integrity (id, generation, sums, checksum) VALUES (0, ?, ?, ?)'

/** The cells for `storeIntegritySql`. */
export function integrityCells({ generation, sums }: Integrity): [number, string, number] {
  const text = sums.format()
  return [generation, text, integrityChecksum(generation, text)]
}

function integrityChecksum(generation: number, sums: string): number {
  return crc32(`${generation} ${sums}`)
}

/**
 * Checks that a database of a version of the schema has the tables of that version, and in each exactly the rows that were
 * committed. Databases of version 1 have no checksums: their rows are counted as they are.
 * @throws UnusableDatabaseError that says what is damaged
 */
export function checkIntegrity(database: DatabaseSync, version: number): Integrity {
  checkSchema(database, version)
  const found = sumRows(database)
  if (version < firstVersion) return { generation: 0, sums: found }
  const stored = storedIntegrity(database)
  for (const table of tablesOf(database)) {
    const [is, was] = [found.of(table), stored.sums.of(table)]
    if (is.rows !== was.rows)
      throw new UnusableDatabaseError('corrupt', `the table ${table} has ${is.rows} rows instead of ${was.rows}`)
    if (is.sum !== was.sum)
      throw new UnusableDatabaseError('corrupt', `a row of the table ${table} is not as it was written`)
  }
  return { generation: stored.generation, sums: found }
}

/** The sums of all rows as they are. */
export function sumRows(database: DatabaseSync): RowSums {
  return new RowSums(tablesOf(database).map((table) => [table, sumTable(database, table)]))
}

/** Runs over every row at start-up, so it allocates no object for a row. */
function sumTable(database: DatabaseSync, table: string): TableSum {
  const statement = database.prepare(`SELECT * FROM ${table}`)
  statement.setReturnArrays(true)
  let rows = 0
  let sum = 0
  for (const row of statement.iterate() as Iterable<unknown>) {
    rows++
    sum = addChecksum(sum, rowChecksum(table, row as unknown[]))
  }
  return { rows, sum }
}

function storedIntegrity(database: DatabaseSync): Integrity {
  const rows = database.prepare('SELECT generation, sums, checksum FROM integrity').all()
  const { generation, sums, checksum } = rows[0] ?? {}
  if (rows.length !== 1 || integrityChecksum(Number(generation), String(sums)) !== checksum)
    throw new UnusableDatabaseError('corrupt', 'the row of the table integrity is not as it was written')
  return { generation: Number(generation), sums: RowSums.parse(String(sums)) }
}

/** The tables that hold rows of core, as the database itself names them. */
function tablesOf(database: DatabaseSync): string[] {
  return database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'integrity' ORDER BY name")
    .all()
    .map(({ name }) => String(name))
}

function checkSchema(database: DatabaseSync, version: number): void {
  const model = new DatabaseSync(':memory:')
  try {
    for (const statement of migrations.slice(0, version).flat()) model.exec(statement)
    if (schemaOf(model) === schemaOf(database)) return
    throw new UnusableDatabaseError('corrupt', `its tables are not those of version ${version} of the schema`)
  } finally {
    model.close()
  }
}

function schemaOf(database: DatabaseSync): string {
  const rows = database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all()
  return JSON.stringify(rows)
}

import type { RowChange } from '../row-change.ts'
import { type Cell, type TableName, tableNames, tables } from '../tables.ts'

/** A statement that changes rows of a table, and how many cells it takes. */
export interface Statement {
  readonly table: TableName
  readonly kind: 'insert' | 'delete'
  readonly sql: string
  readonly cells: number
}

/**
 * Changes on their way to the database's thread, flat, so that little is copied: a number for each, the index of its statement in
 * `changeStatements`, and the cells of all of them one after another.
 */
export interface FlatChanges {
  readonly statements: readonly number[]
  readonly cells: readonly Cell[]
}

/** For each table an insert, then removals by the first cell of the key, the first two, and so on to the whole key. */
export const changeStatements: readonly Statement[] = tableNames.flatMap((table) => [
  insertStatement(table),
  ...tables[table].key.map((_, last) => deleteStatement(table, last + 1)),
])

/** Index of each table's insert in `changeStatements`. */
const insertIndex = Object.fromEntries(
  tableNames.map((table) => [table, changeStatements.findIndex((one) => one.table === table)]),
) as Record<TableName, number>

/** The statements for changes, in their order. */
export function flatten(changes: readonly RowChange[]): FlatChanges {
  const statements: number[] = []
  const cells: Cell[] = []
  for (const change of changes) {
    // A put removes the row with the same key first, so that the checksum of that row leaves the sum of the table.
    statements.push(insertIndex[change.table] + change.key.length)
    cells.push(...change.key)
    if (change.op === 'delete') continue
    statements.push(insertIndex[change.table])
    cells.push(...change.key, ...change.values)
  }
  return { statements, cells }
}

/** Reads a whole table, in the order of its keys. */
export function loadSql(table: TableName): string {
  const order = tables[table].key.map(([name]) => name)
  return `SELECT ${columnNames(table).join(', ')} FROM ${table} ORDER BY ${order.join(', ')}`
}

function columnNames(table: TableName): string[] {
  return [...tables[table].key, ...tables[table].values].map(([name]) => name)
}

function insertStatement(table: TableName): Statement {
  const columns = columnNames(table)
  const marks = columns.map(() => '?').join(', ')
  const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`
  return { table, kind: 'insert', sql, cells: columns.length }
}

/** Gives back the rows that it removes, because their checksums leave the sum of the table. */
function deleteStatement(table: TableName, keyCells: number): Statement {
  const conditions = tables[table].key.slice(0, keyCells).map(([name]) => `${name} = ?`)
  const sql = `DELETE FROM ${table} WHERE ${conditions.join(' AND ')} RETURNING ${columnNames(table).join(', ')}`
  return { table, kind: 'delete', sql, cells: keyCells }
}

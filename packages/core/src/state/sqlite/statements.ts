import type { RowChange } from '../row-change.ts'
import { type Cell, type TableName, tableNames, tables } from '../tables.ts'

/** A statement that changes rows, and how many cells it takes. */
export interface Statement {
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

/** For each table a put, then removals by the first cell of the key, the first two, and so on. */
export const changeStatements: readonly Statement[] = tableNames.flatMap((table) => [
  putStatement(table),
  ...tables[table].key.map((_, last) => removeStatement(table, last + 1)),
])

/** Index of each table's put in `changeStatements`. */
const putIndex = Object.fromEntries(
  tableNames.map((table) => [table, changeStatements.findIndex(({ sql }) => sql === putStatement(table).sql)]),
) as Record<TableName, number>

/** The statements for changes, in their order. */
export function flatten(changes: readonly RowChange[]): FlatChanges {
  const statements: number[] = []
  const cells: Cell[] = []
  for (const change of changes) {
    statements.push(putIndex[change.table] + (change.op === 'put' ? 0 : change.key.length))
    cells.push(...change.key)
    if (change.op === 'put') cells.push(...change.values)
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

function putStatement(table: TableName): Statement {
  const columns = columnNames(table)
  const marks = columns.map(() => '?').join(', ')
  return { sql: `INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${marks})`, cells: columns.length }
}

function removeStatement(table: TableName, keyCells: number): Statement {
  const conditions = tables[table].key.slice(0, keyCells).map(([name]) => `${name} = ?`)
  return { sql: `DELETE FROM ${table} WHERE ${conditions.join(' AND ')}`, cells: keyCells }
}

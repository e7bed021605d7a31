import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { tableNames, tables } from '../tables.ts'
import { migrations } from './migrations.ts'

const columnTypes: Readonly<Record<string, string>> = {
  integer: 'INTEGER 1',
  text: 'TEXT 1',
  'text or null': 'TEXT 0',
}

it('a migrated database has the tables that core knows, no more and no less', () => {
  const database = new DatabaseSync(':memory:')
  for (const statement of migrations.flat()) database.exec(statement)
  const found = database
    .prepare('SELECT name, strict FROM pragma_table_list WHERE schema = ? ORDER BY name')
    .all('main')
  const ours = found.filter(({ name }) => !String(name).startsWith('sqlite_'))
  expect(ours.map(({ name, strict }) => `${name} ${strict}`)).toEqual(
    [...tableNames, 'integrity'].map((name) => `${name} 1`).sort(),
  )
  for (const name of tableNames) {
    const columns = database.prepare('SELECT name, type, "notnull", pk FROM pragma_table_info(?)').all(name)
    const { key, values } = tables[name]
    const expected = [
      ...key.map(([column, type], index) => `${column} ${columnTypes[type]} ${index + 1}`),
      ...values.map(([column, type]) => `${column} ${columnTypes[type]} 0`),
    ]
    expect(columns.map((column) => `${column['name']} ${column['type']} ${column['notnull']} ${column['pk']}`)).toEqual(
      expected,
    )
  }
  database.close()
})

import { cp, mkdir, mkdtemp, readFile, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowChange } from '../row-change.ts'
import { type TableName, tableNames, tables } from '../tables.ts'
import { ThreadError } from './database-thread.ts'
import { failureOf } from './failure.ts'
import { StateDatabase } from './state-database.ts'
import { flatten } from './statements.ts'
import { storeError } from './store-errors.ts'

// A database that is damaged in any way is refused with words, or holds exactly what was committed.

/** How a daemon ended: in good order, or killed, so that its last commits are in the write-ahead log alone. */
type Ending = 'closed' | 'killed'
const endings: readonly Ending[] = ['closed', 'killed']

let parent: string
const originals = new Map<Ending, unknown[][]>()

const folderOf = (name: string): string => `${parent}/${name}`
const open = (folder: string): StateDatabase =>
  new StateDatabase({ path: `${folder}/state.db`, generationPath: `${folder}/state.generation` })

/** A commit of a domain with rows in every table. */
function domain(qid: number): RowChange[] {
  const cell = (type: string, name: string): string | number =>
    type === 'integer' ? qid : `${name} of ${qid} ${'text '.repeat(qid % 7)}`
  return tableNames.map((table) => {
    const cells = (part: 'key' | 'values'): (string | number)[] => tables[table][part].map(([n, t]) => cell(t, n))
    return { op: 'put', table, key: cells('key'), values: cells('values') }
  })
}

const contents = (database: StateDatabase): unknown[][] => tableNames.map((table) => database.read(table, 1 << 20))

beforeAll(async () => {
  parent = await mkdtemp('/tmp/cloister-damage-')
  const folder = folderOf('made')
  await mkdir(folder)
  const database = open(folder)
  for (let qid = 0; qid < 80; qid++) database.commit(flatten(domain(qid)))
  database.checkpoint()
  for (let qid = 80; qid < 90; qid++) database.commit(flatten(domain(qid)))
  const rows = contents(database)
  await cp(folder, folderOf('killed'), { recursive: true })
  database.close()
  await cp(folder, folderOf('closed'), { recursive: true })
  for (const ending of endings) originals.set(ending, rows)
})

afterAll(() => rm(parent, { recursive: true }))

/** Opens what a kind of damage leaves of a state: the refusal, or `harmless`, or what is wrong with what was accepted. */
async function outcomeOf(ending: Ending, damage: (folder: string) => Promise<void> | void): Promise<string> {
  const folder = folderOf('damaged')
  await rm(folder, { recursive: true, force: true })
  await cp(folderOf(ending), folder, { recursive: true })
  await damage(folder)
  let database: StateDatabase
  try {
    database = open(folder)
  } catch (thrown) {
    const failure = failureOf(thrown)
    const { message } = storeError(new ThreadError(failure), `${folder}/state.db`)
    return failure.reason === 'invalid' || failure.detail === '' ? `refused without words: ${message}` : message
  }
  try {
    const found = JSON.stringify(contents(database))
    return found === JSON.stringify(originals.get(ending)) ? 'harmless' : 'ACCEPTED with other rows'
  } finally {
    database.close()
  }
}

/** Every refusal names the file, the damage and what to do. */
const withWords =
  /^The state database \S+state\.db .*(damaged|cannot be read|newer release).*: .*(Restore|Check|Install)/

async function expectRefusedOrHarmless(what: string, ending: Ending, damage: (folder: string) => Promise<void> | void) {
  const outcome = await outcomeOf(ending, damage)
  if (outcome !== 'harmless') expect(outcome, what).toMatch(withWords)
}

async function flip(path: string, at: number, bit: number): Promise<void> {
  const bytes = await readFile(path)
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at)
  await writeFile(path, bytes)
}

describe.each(endings)('a state whose daemon was %s', { timeout: 240_000 }, (ending) => {
  it('is read as it is when nothing is damaged', async () => {
    expect(await outcomeOf(ending, () => {})).toBe('harmless')
  })

  it('is refused or complete with any bit of the header of the database flipped', async () => {
    for (let at = 0; at < 100; at++) {
      for (let bit = 0; bit < 8; bit++) {
        await expectRefusedOrHarmless(`byte ${at} bit ${bit}`, ending, (f) => flip(`${f}/state.db`, at, bit))
      }
    }
  })

  it('is refused or complete with a bit flipped anywhere in its files', async () => {
    for (const name of ['state.db', 'state.db-wal', 'state.generation']) {
      const size = (await stat(`${folderOf(ending)}/${name}`).catch(() => undefined))?.size ?? 0
      // An odd step and 4096 have no common factor: every part of a page is met.
      const step = Math.ceil(size / 500) | 1
      for (let at = 0, count = 0; at < size; at += step, count++) {
        await expectRefusedOrHarmless(`${name} byte ${at}`, ending, (f) => flip(`${f}/${name}`, at, count % 8))
      }
    }
  })

  it('is refused or complete when a file of it is cut', async () => {
    for (const name of ['state.db', 'state.db-wal', 'state.generation']) {
      const size = (await stat(`${folderOf(ending)}/${name}`).catch(() => undefined))?.size ?? 0
      if (size === 0) continue
      const lengths = [
        1,
        99,
        100,
        512,
        4095,
        4096,
        4097,
        ...[0.25, 0.5, 0.9].map((part) => Math.floor(size * part)),
        size - 1,
      ]
      for (const length of lengths.filter((one) => one < size)) {
        await expectRefusedOrHarmless(`${name} cut to ${length}`, ending, (f) => truncate(`${f}/${name}`, length))
      }
    }
  })

  it('is refused or complete when pages of it are zeroed or swapped', async () => {
    const pages = Math.floor((await stat(`${folderOf(ending)}/state.db`)).size / 4096)
    for (let page = 0; page < pages; page++) {
      const replace = (other: (bytes: Buffer) => Buffer) => async (folder: string) => {
        const bytes = await readFile(`${folder}/state.db`)
        other(bytes).copy(bytes, page * 4096)
        await writeFile(`${folder}/state.db`, bytes)
      }
      await expectRefusedOrHarmless(
        `page ${page} zeroed`,
        ending,
        replace(() => Buffer.alloc(4096)),
      )
      const next = ((page + 1) % pages) * 4096
      const copy = replace((bytes) => Buffer.from(bytes.subarray(next, next + 4096)))
      await expectRefusedOrHarmless(`page ${page} replaced by the next`, ending, copy)
    }
  })

  it('is refused when any cell holds what no commit wrote, a row is lost, or a row is new', async () => {
    const edit = (sql: string) => (folder: string) => {
      const database = new DatabaseSync(`${folder}/state.db`)
      database.exec(sql)
      database.close()
    }
    for (const table of tableNames as readonly TableName[]) {
      const { key, values } = tables[table]
      const first = key[0][0]
      for (const [column, type] of [...key, ...values]) {
        const other = type === 'integer' ? '12345' : "'foreign'"
        const sql = `UPDATE ${table} SET ${column} = ${other} WHERE ${first} = (SELECT min(${first}) FROM ${table})`
        const outcome = await outcomeOf(ending, edit(sql))
        expect(outcome, `${table}.${column}`).toContain(`the table ${table} is not as it was written`)
      }
      const lost = await outcomeOf(
        ending,
        edit(`DELETE FROM ${table} WHERE ${first} = (SELECT max(${first}) FROM ${table})`),
      )
      expect(lost).toContain(`the table ${table} has 89 rows instead of 90`)
      const marks = [...key, ...values].map(([, type]) => (type === 'integer' ? '777' : "'new'"))
      const added = await outcomeOf(ending, edit(`INSERT INTO ${table} VALUES (${marks.join(', ')})`))
      expect(added).toContain(`the table ${table} has 91 rows instead of 90`)
    }
  })

  it('is refused when its schema is another', async () => {
    const edits = [
      'DROP TABLE notes',
      'CREATE TABLE more (x)',
      'CREATE INDEX i ON notes (text)',
      'PRAGMA user_version = 1',
      'PRAGMA user_version = 0',
      'DELETE FROM integrity',
      'UPDATE integrity SET generation = 5',
      "UPDATE integrity SET sums = '{}'",
    ]
    for (const sql of edits) {
      const outcome = await outcomeOf(ending, (folder) => {
        const database = new DatabaseSync(`${folder}/state.db`)
        database.exec(sql)
        database.close()
      })
      expect(outcome, sql).toMatch(withWords)
    }
  })
})

describe('a state whose write-ahead log is gone', () => {
  it('is refused, says how many changes are lost, and opens when the loss is accepted', async () => {
    const outcome = await outcomeOf('killed', (folder) => unlink(`${folder}/state.db-wal`))
    expect(outcome).toMatch(withWords)
    expect(outcome).toContain('it lacks the last 10 of 90 changes: its write-ahead log state.db-wal was removed')
    const accepted = await outcomeOf('killed', async (folder) => {
      await unlink(`${folder}/state.db-wal`)
      await unlink(`${folder}/state.generation`)
    })
    expect(accepted).toBe('ACCEPTED with other rows')
  })

  it('is complete when nothing was in the log alone', async () => {
    expect(await outcomeOf('closed', (folder) => rm(`${folder}/state.db-wal`, { force: true }))).toBe('harmless')
  })
})

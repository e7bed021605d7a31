import { cp, mkdtemp, open, readdir, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import type { Worker } from 'node:worker_threads'
import { nodeOs } from '@cloister/os'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { put, type RowChange, remove } from '../row-change.ts'
import { StateStoreError } from '../state-store.ts'
import { tableNames } from '../tables.ts'
import { anyChange } from '../testing/changes.ts'
import { Child } from '../testing/child.ts'
import { RowModel, sorted } from '../testing/row-model.ts'
import { snapshotOf } from '../testing/snapshot.ts'
import { migrations } from './migrations.ts'
import { SqliteStateStore } from './sqlite-state-store.ts'

const os = nodeOs()
let parent: string
let folder: string
const opened: SqliteStateStore[] = []

beforeEach(async () => {
  parent = await mkdtemp('/tmp/cloister-state-')
  folder = `${parent}/state`
})

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  await rm(parent, { recursive: true })
})

async function openStore(): Promise<SqliteStateStore> {
  const store = await SqliteStateStore.open(folder, { os })
  opened.push(store)
  return store
}

async function reopened(store: SqliteStateStore): Promise<SqliteStateStore> {
  await store.close()
  return openStore()
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8)
}

describe('SqliteStateStore', () => {
  it('begins empty and keeps what was committed, of every table', async () => {
    const store = await openStore()
    for (const rows of Object.values(await snapshotOf(store))) expect(rows).toEqual([])
    await store.commit([
      put('labels', ['red'], [1, '0xcc0000']),
      put('pools', ['varlibqubes'], [0, '{"driver":"file"}']),
      put('global_properties', ['default_netvm'], [null]),
      put('domains', [3], ['AppVM']),
      put('properties', [3, 'netvm'], [null]),
      put('properties', [3, 'name'], ['work']),
      put('features', [3, 'empty'], [0, '']),
      put('tags', [3, 'created-by-dom0'], []),
      put('notes', [3], ['one\ntwo \u0000 \u{1f512}']),
      put('firewall', [3], ['action=accept\n']),
      put('volumes', [3, 'root'], ['{}']),
      put('devices', [3, 'pci', 'dom0', '00_03.0', '*'], ['required', '{}']),
      put('intents', [Number.MAX_SAFE_INTEGER], ['remove', 'work', '{}', 'boot']),
      put('released_dispids', [17], [1_700_000_000_000]),
      put('meta', ['a'], ['b']),
    ])
    expect(await snapshotOf(await reopened(store))).toEqual({
      labels: [['red', 1, '0xcc0000']],
      pools: [['varlibqubes', 0, '{"driver":"file"}']],
      global_properties: [['default_netvm', null]],
      domains: [[3, 'AppVM']],
      properties: [
        [3, 'name', 'work'],
        [3, 'netvm', null],
      ],
      features: [[3, 'empty', 0, '']],
      tags: [[3, 'created-by-dom0']],
      notes: [[3, 'one\ntwo \u0000 \u{1f512}']],
      firewall: [[3, 'action=accept\n']],
      volumes: [[3, 'root', '{}']],
      devices: [[3, 'pci', 'dom0', '00_03.0', '*', 'required', '{}']],
      intents: [[Number.MAX_SAFE_INTEGER, 'remove', 'work', '{}', 'boot']],
      released_dispids: [[17, 1_700_000_000_000]],
      meta: [['a', 'b']],
    })
  })

  it('holds what the changes say, whatever they are', async () => {
    const store = await openStore()
    const model = new RowModel()
    await fc.assert(
      fc.asyncProperty(fc.array(anyChange, { maxLength: 30 }), async (changes) => {
        model.apply(changes)
        await store.commit(changes)
        const snapshot = await snapshotOf(store)
        for (const table of tableNames) expect(sorted(snapshot[table])).toEqual(model.rows(table))
      }),
      { numRuns: 100 },
    )
  })

  it('lets nobody else read the files', async () => {
    const store = await openStore()
    await store.commit([put('meta', ['a'], ['b'])])
    expect(await modeOf(folder)).toBe('700')
    for (const name of await readdir(folder)) expect(`${name} ${await modeOf(`${folder}/${name}`)}`).toBe(`${name} 600`)
    expect(await readdir(folder)).toContain('state.db-wal')
  })

  it('changes nothing when one of the changes is refused, and goes on', async () => {
    const store = await openStore()
    const wrong: RowChange = { op: 'put', table: 'domains', key: ['three'], values: ['AppVM'] }
    const failing = store.commit([put('meta', ['a'], ['b']), wrong])
    const next = store.commit([put('meta', ['c'], ['d'])])
    await expect(failing).rejects.toMatchObject({ reason: 'invalid' })
    await next
    expect(store.failed).toBeUndefined()
    expect((await snapshotOf(await reopened(store))).meta).toEqual([['c', 'd']])
  })

  it('keeps a reserve', async () => {
    await openStore()
    await vi.waitFor(async () =>
      expect((await stat(`${folder}/state.reserve`)).blocks * 512).toBeGreaterThanOrEqual(4 << 20),
    )
  })

  it('refuses everything once it is closed, after what was asked before', async () => {
    const store = await openStore()
    const last = store.commit([put('meta', ['a'], ['b'])])
    await Promise.all([last, store.close()])
    await expect(store.commit([])).rejects.toMatchObject({ reason: 'closed' })
    await expect(snapshotOf(store)).rejects.toMatchObject({ reason: 'closed' })
    expect((await snapshotOf(await openStore())).meta).toEqual([['a', 'b']])
  })

  it('fails for good when its thread dies', async () => {
    const { promise, resolve } = Promise.withResolvers<Worker>()
    process.once('worker', resolve)
    const store = await openStore()
    await store.commit([put('meta', ['a'], ['b'])])
    const lost = store.commit([remove('meta', ['a'])])
    await (await promise).terminate()
    await lost.catch(() => {})
    await expect(store.commit([])).rejects.toMatchObject({ reason: 'closed' })
    expect(store.failed).toBeInstanceOf(StateStoreError)
    await expect(snapshotOf(store)).rejects.toBe(store.failed)
  })
})

describe('the lock on the state', () => {
  it('keeps a second store of this process out, and leaves with the first', async () => {
    const first = await openStore()
    await expect(openStore()).rejects.toMatchObject({
      reason: 'locked',
      message: `The state in ${folder} is in use by another cloisterd (pid ${process.pid})`,
    })
    await first.commit([put('meta', ['a'], ['b'])])
    expect((await snapshotOf(await reopened(first))).meta).toEqual([['a', 'b']])
  })

  it('keeps other processes out, in both directions, and ends with the process', async () => {
    const first = await openStore()
    await using refused = new Child('./hold-state.ts', [folder])
    expect(await refused.line()).toBe(`The state in ${folder} is in use by another cloisterd (pid ${process.pid})`)
    await first.close()
    await using holder = new Child('./hold-state.ts', [folder])
    expect(await holder.line()).toBe('open')
    await expect(openStore()).rejects.toMatchObject({
      reason: 'locked',
      message: `The state in ${folder} is in use by another cloisterd (pid ${holder.pid})`,
    })
    await holder.kill()
    await openStore()
  })
})

describe('a database that cannot be used', () => {
  it('is refused when it is something else', async () => {
    await os.files.makeFolder(folder, 0o700)
    await writeFile(
      `${folder}/state.db`,
      'this is not a database, but a text that is long enough to be taken for one\n'.repeat(20),
    )
    await expect(openStore()).rejects.toMatchObject({
      reason: 'corrupt',
      message: expect.stringContaining(`${folder}/state.db`),
    })
  })

  it('is refused when pages of it are damaged', async () => {
    const store = await openStore()
    await store.commit(Array.from({ length: 2000 }, (_, id) => put('properties', [id, 'name'], [`domain-${id}`])))
    await store.close()
    const file = await open(`${folder}/state.db`, 'r+')
    const { size } = await file.stat()
    for (let at = 20 * 4096; at < size; at += 4096) await file.write(Buffer.alloc(200, 0xa5), 0, 200, at)
    await file.close()
    await expect(openStore()).rejects.toMatchObject({ reason: 'corrupt' })
  })

  it('is refused when a newer release wrote it', async () => {
    await (await openStore()).close()
    const database = new DatabaseSync(`${folder}/state.db`)
    database.exec('PRAGMA user_version = 99')
    database.close()
    await expect(openStore()).rejects.toMatchObject({
      reason: 'version',
      message: `The state database ${folder}/state.db was written by a newer release: its schema is 99, this release knows 2. Install that release, or restore a backup of this one`,
    })
  })

  it('is refused when it is missing but its log is there, and moved aside when that was accepted', async () => {
    const store = await openStore()
    await store.commit([put('meta', ['a'], ['b'])])
    await cp(`${folder}/state.db-wal`, `${parent}/log`)
    await store.close()
    for (const [what, make] of [
      ['removed', () => unlink(`${folder}/state.db`)],
      ['emptied', () => writeFile(`${folder}/state.db`, '')],
    ] as const) {
      await cp(`${parent}/log`, `${folder}/state.db-wal`)
      await make()
      await expect(openStore(), what).rejects.toMatchObject({
        reason: 'missing',
        message: `The state database ${folder}/state.db is missing, but there was one: its folder still has state.db-wal and state.generation. Restore it from a backup; or start with an empty state: \`cloisterd --accept-empty\``,
      })
    }
    const empty = await SqliteStateStore.open(folder, { os, acceptEmpty: true })
    opened.push(empty)
    expect((await snapshotOf(empty)).meta).toEqual([])
    const aside = (await readdir(folder)).filter((name) => name.includes('.aside'))
    expect(aside.map((name) => name.replace(/~.*/, ''))).toEqual(['state.db-wal.aside', 'state.generation.aside'])
    await empty.commit([put('meta', ['c'], ['d'])])
    expect((await snapshotOf(await reopened(empty))).meta).toEqual([['c', 'd']])
  })

  it('of an older schema is led forward, with all its rows and with checksums from then on', async () => {
    await os.files.makeFolder(folder, 0o700)
    const old = new DatabaseSync(`${folder}/state.db`)
    for (const statement of migrations[0] ?? []) old.exec(statement)
    old.exec("INSERT INTO meta VALUES ('a', 'b'); PRAGMA user_version = 1")
    old.close()
    const store = await openStore()
    expect((await snapshotOf(store)).meta).toEqual([['a', 'b']])
    await store.close()
    const edited = new DatabaseSync(`${folder}/state.db`)
    edited.exec("UPDATE meta SET value = 'c'")
    edited.close()
    await expect(openStore()).rejects.toMatchObject({
      reason: 'corrupt',
      message: expect.stringContaining('a row of the table meta is not as it was written'),
    })
  })

  it('does not take what would be read as something else', async () => {
    const store = await openStore()
    await expect(store.commit([put('meta', ['a'], ['\ud800'])])).rejects.toMatchObject({ reason: 'invalid' })
    await expect(store.commit([put('notes', [2 ** 53], ['b'])])).rejects.toMatchObject({ reason: 'invalid' })
    for (const rows of Object.values(await snapshotOf(await reopened(store)))) expect(rows).toEqual([])
  })

  it('says so when the folder cannot be made', async () => {
    folder = `${parent}/missing/state`
    await expect(openStore()).rejects.toMatchObject({ reason: 'io', message: expect.stringContaining(folder) })
  })
})

import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { nodeOs } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultPool } from '../domains/properties/global-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { cloneDomain } from '../operations/clone-domain.ts'
import { createDomain } from '../operations/create-domain.ts'
import { setProperty } from '../operations/properties.ts'
import { put } from '../state/row-change.ts'
import { SqliteStateStore } from '../state/sqlite/sqlite-state-store.ts'
import { discrepancies } from '../testing/soundness.ts'
import { TestSystem } from '../testing/test-system.ts'

let system: TestSystem
let folder: string
let template: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  folder = `${system.folder}/second`
  template = await system.create('TemplateVM', 'tmpl')
})
afterEach(() => system[Symbol.asyncDispose]())

const add = (name = 'second', path = folder) => system.app.pools.add(name, 'file', { dir_path: path })
const names = (): string[] => system.app.pools.list().map(({ name }) => name)
const create = (name: string, pool: string) =>
  createDomain(system.app, 'StandaloneVM', { name, label: 'red', creator: system.app.adminVM, pools: { pool } })

describe('a pool that is removed while volumes are made in it', () => {
  it.each([
    ['creation', () => create('new', 'second')],
    ['copy', () => cloneDomain(template, { name: 'new', pools: { pool: 'second' }, creator: system.app.adminVM })],
  ])('stays: the %s holds it', async (_what, make) => {
    await add()
    const making = make()
    await expect(system.app.pools.remove('second')).rejects.toThrow(
      'Storage pool second is in use by a domain that is being made',
    )
    await making
    await expect(system.app.pools.remove('second')).rejects.toThrow(/in use by the volume \S+\/new\//)
    await system.reopen()
    expect(names()).toContain('second')
    expect(await system.app.domains.get('new').storage?.get('private').size()).toBeGreaterThan(0n)
  })

  it('is gone for those that come later: whichever call is first wins', async () => {
    await add()
    const removing = system.app.pools.remove('second')
    await expect(create('new', 'second')).rejects.toThrow('second: it is being removed')
    await removing
    expect(names()).not.toContain('second')
    expect(await discrepancies(system)).toEqual([])
  })

  it('can be removed when the creation has failed', async () => {
    await add()
    system.faults.failNext('create', 'EIO', /second\/.*private/)
    await expect(create('new', 'second')).rejects.toThrow(/input\/output error|EIO/)
    await system.app.pools.remove('second')
  })

  it('stays when a property names it meanwhile', async () => {
    await add()
    const [removal] = await Promise.allSettled([
      system.app.pools.remove('second'),
      setProperty(system.app.global, 'default_pool', 'second'),
    ])
    const removed = removal.status === 'fulfilled'
    expect(names().includes('second')).toBe(!removed)
    expect(system.app.global.get(defaultPool)).toBe(removed ? 'varlibqubes' : 'second')
  })
})

describe('two calls about pools of one name', () => {
  it('add: the second is refused, and the first is kept', async () => {
    const calls = [add(), add('second', `${system.folder}/third`)]
    const [first, second] = await Promise.allSettled(calls)
    expect(first?.status).toBe('fulfilled')
    expect(second).toMatchObject({
      status: 'rejected',
      reason: { message: expect.stringContaining('Another call is adding or removing the storage pool') },
    })
    await system.reopen()
    expect(system.app.pools.get('second').config()['dir_path']).toBe(folder)
    expect(await readdir(system.folder)).not.toContain('third')
  })

  it('remove: the second is refused', async () => {
    await add()
    const outcomes = await Promise.allSettled([1, 2].map(() => system.app.pools.remove('second')))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    await add()
  })
})

it('of two pools that are added in one folder at once the second is refused, and leaves nothing', async () => {
  const [first, second] = await Promise.allSettled([add(), add('third', folder)])
  expect(first.status).toBe('fulfilled')
  expect(second).toMatchObject({
    status: 'rejected',
    reason: { message: `Another call is adding or removing the folder ${folder}` },
  })
  expect(await system.intents()).toEqual([])
  await system.reopen()
  await expect(system.app.pools.get('second').usageDetails()).resolves.toBeDefined()
})

describe('a pool that could not be added', () => {
  const exists = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    )

  it('leaves no folder that it has made, and no intent', async () => {
    system.faults.failNext('commit', 'EIO', /"pools"/)
    await expect(add()).rejects.toThrow(/input\/output error|EIO/)
    expect(await exists(folder)).toBe(false)
    expect(await system.intents()).toEqual([])
    await add()
  })

  it('leaves a folder that was there', async () => {
    await mkdir(folder)
    system.faults.failNext('commit', 'EIO', /"pools"/)
    await expect(add()).rejects.toThrow(/input\/output error|EIO/)
    expect(await exists(folder)).toBe(true)
  })

  it.each([true, false])('is undone by the next daemon, if its folder was made for it (%s)', async (made) => {
    await add()
    await system.kill()
    // What a daemon leaves that ends after the set-up and before the pool is stored.
    const store = await SqliteStateStore.open(system.folder, { os: nodeOs() })
    const details = { driver: 'file', options: { dir_path: folder }, made }
    await store.commit([
      { op: 'delete', table: 'pools', key: ['second'] },
      put('intents', [999], ['pool-add', 'second', JSON.stringify(details), '']),
    ])
    await store.close()
    await system.reopen()
    expect(names()).not.toContain('second')
    expect(await exists(folder)).toBe(!made)
    expect(await system.intents()).toEqual([])
  })

  it('is kept when it was stored before the daemon ended', async () => {
    await add()
    await system.kill()
    const store = await SqliteStateStore.open(system.folder, { os: nodeOs() })
    const details = { driver: 'file', options: { dir_path: folder }, made: true }
    await store.commit([put('intents', [999], ['pool-add', 'second', JSON.stringify(details), ''])])
    await store.close()
    await system.reopen()
    expect(names()).toContain('second')
    await create('new', 'second')
  })

  it('of which nothing is left is no trouble for the next daemon', async () => {
    await add()
    await system.kill()
    await rm(folder, { recursive: true })
    const store = await SqliteStateStore.open(system.folder, { os: nodeOs() })
    const details = { driver: 'file', options: { dir_path: folder }, made: true }
    await store.commit([
      { op: 'delete', table: 'pools', key: ['second'] },
      put('intents', [999], ['pool-add', 'second', JSON.stringify(details), '']),
    ])
    await store.close()
    await system.reopen()
    expect(await system.intents()).toEqual([])
  })
})

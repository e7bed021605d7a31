import { mkdir, rename, rm } from 'node:fs/promises'
import { nodeOs } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { QubesVM } from '../domains/qubes-vm.ts'
import { cloneDomain } from '../operations/clone-domain.ts'
import { resetProperty, setProperty } from '../operations/properties.ts'
import { put, type RowChange, remove } from '../state/row-change.ts'
import { SqliteStateStore } from '../state/sqlite/sqlite-state-store.ts'
import { type Cell, tableNames, tables } from '../state/tables.ts'
import { TestSystem } from '../testing/test-system.ts'

// What is stored but cannot be read never becomes a default that allows more.

let system: TestSystem

beforeEach(async () => {
  system = await TestSystem.open()
  const template = await system.create('TemplateVM', 'tmpl')
  const net = await system.create('AppVM', 'net', template)
  await setProperty(net, 'provides_network', 'True')
  await setProperty(net, 'netvm', '')
  await setProperty(system.app.global, 'default_netvm', 'net')
  const work = await system.create('AppVM', 'work', template)
  await setProperty(work, 'netvm', '')
})
afterEach(() => system[Symbol.asyncDispose]())

function vm(name = 'work'): QubesVM {
  const found = system.app.domains.get(name)
  if (!(found instanceof QubesVM)) throw new Error(`${name} does not run here`)
  return found
}

/** Stops the daemon, changes what is stored behind its back (checksums and all), and starts it again. */
async function restartWith(...changes: readonly RowChange[]): Promise<void> {
  await system.kill()
  const store = await SqliteStateStore.open(system.folder, { os: nodeOs() })
  await store.commit(changes)
  await store.close()
  await system.reopen()
}

const storedValue = async (name: string): Promise<unknown> =>
  (await system.stored()).properties.find(([qid, property]) => qid === vm().qid && property === name)?.[2]

describe('a value of a domain that cannot be read', () => {
  it('is not replaced by the default: a domain without netvm does not get the default netvm', async () => {
    await restartWith(put('properties', [vm().qid, 'netvm'], ['gone']))
    expect(vm().netvm ?? null).toBeNull()
    expect(vm().isDefault({ name: 'netvm' })).toBe(false)
    await expect(vm().lifeCycle.start()).rejects.toThrow(
      'Cannot start work, because a stored value cannot be read: netvm: Cannot set netvm: there is no domain gone. Set it anew, or reset it',
    )
    expect(system.logged).toContainEqual(
      expect.objectContaining({ level: 'error', details: expect.objectContaining({ object: 'work', part: 'netvm' }) }),
    )
  })

  it('stays stored, and is healed when it is set anew or reset', async () => {
    await restartWith(
      put('properties', [vm().qid, 'netvm'], ['gone']),
      put('properties', [vm().qid, 'memory'], ['much']),
    )
    expect([await storedValue('netvm'), await storedValue('memory')]).toEqual(['gone', 'much'])
    await system.reopen()
    expect(vm().damage.list()).toHaveLength(2)
    await setProperty(vm(), 'netvm', '')
    await expect(vm().lifeCycle.start()).rejects.toThrow('memory must be an integer')
    await resetProperty(vm(), 'memory')
    await vm().lifeCycle.start()
    await vm().lifeCycle.kill()
    await system.reopen()
    expect(vm().damage.list()).toEqual([])
    expect(vm().netvm ?? null).toBeNull()
  })

  it('keeps damaged what could not be set anew', async () => {
    await restartWith(put('properties', [vm().qid, 'netvm'], ['gone']))
    system.faults.failNext('commit', 'EIO', /netvm/)
    await expect(setProperty(vm(), 'netvm', '')).rejects.toThrow()
    expect(vm().damage.list()).toHaveLength(1)
  })

  it('is not lost by a copy of the domain', async () => {
    await restartWith(put('properties', [vm().qid, 'netvm'], ['gone']))
    const copy = cloneDomain(vm(), { name: 'copy', pools: {}, creator: system.app.adminVM })
    await expect(copy).rejects.toThrow('Cannot clone work, because a stored value cannot be read: netvm')
  })

  it('of a property that this release does not have is dropped by a reset, and by nothing else', async () => {
    await restartWith(
      put('properties', [vm().qid, 'colour'], ['blue']),
      put('properties', [vm().qid, 'firewall'], ['on']),
      put('firewall', [vm().qid], ['action=drop dst4=300.0.0.1/8']),
    )
    await expect(vm().lifeCycle.start()).rejects.toThrow('property colour: work has no property colour')
    await expect(setProperty(vm(), 'colour', 'red')).rejects.toThrow('work has no property colour')
    await expect(resetProperty(vm(), 'size')).rejects.toThrow('work has no property size')
    system.faults.failNext('commit', 'EIO', /colour/)
    await expect(resetProperty(vm(), 'colour')).rejects.toThrow()
    expect(vm().damage.list()).toHaveLength(3)
    await resetProperty(vm(), 'colour')
    expect(await storedValue('colour')).toBeUndefined()
    await resetProperty(vm(), 'firewall')
    // The rules have the same name as the property, and are still damaged.
    expect(vm().damage.list()).toEqual([expect.stringMatching(/^firewall: /)])
    await expect(resetProperty(vm(), 'firewall')).rejects.toThrow('work has no property firewall')
  })

  it('of a template keeps the domains made of it from starting', async () => {
    await restartWith(put('properties', [vm('tmpl').qid, 'kernelopts_common'], ['x']))
    await expect(vm().lifeCycle.start()).rejects.toThrow(
      'property kernelopts_common: tmpl has no property kernelopts_common (of tmpl)',
    )
  })

  it('of a global property keeps those from starting whose default comes from it', async () => {
    await restartWith(
      put('global_properties', ['default_kernel'], [null]),
      put('global_properties', ['default_netvm'], ['gone']),
    )
    await system.create('AppVM', 'other', vm('tmpl'))
    await expect(vm('other').lifeCycle.start()).rejects.toThrow(
      'the global property default_netvm, which netvm comes from',
    )
    await setProperty(system.app.global, 'default_netvm', '')
    await expect(vm('other').lifeCycle.start()).rejects.toThrow('default_kernel')
    await setProperty(system.app.global, 'default_kernel', '6.1.0')
    await vm('other').lifeCycle.start()
  })
})

describe('a firewall that cannot be read', () => {
  it('drops everything, and is repaired when it is set anew', async () => {
    await restartWith(put('firewall', [vm().qid], ['action=drop dst4=300.0.0.1/8']))
    expect(vm().firewall.rules()).toEqual([])
    await expect(vm().lifeCycle.start()).rejects.toThrow('firewall: ')
    expect((await system.stored()).firewall).toEqual([[vm().qid, 'action=drop dst4=300.0.0.1/8']])
    await system.app.changes.make((unit) => vm().firewall.set(unit, []))
    await vm().lifeCycle.start()
    await vm().lifeCycle.kill()
  })
})

describe('volumes that cannot be read', () => {
  it.each([
    ['no JSON', () => '{'],
    ['another name', (config: string) => config.replace('"private"', '"root"')],
    ['another place', (config: string) => config.replace('appvms/work/private', '../../etc')],
    ['the pool is unknown', (config: string) => config.replace('varlibqubes', 'nowhere')],
    [
      'the same image as another domain',
      (config: string) => config.replace('appvms/work/private', 'appvms/net/private'),
    ],
  ])('keep the domain from starting: %s', async (_what, change) => {
    const { qid } = vm()
    const config =
      (await system.stored()).volumes.find(([owner, name]) => owner === qid && name === 'private')?.[2] ?? ''
    await restartWith(put('volumes', [qid, 'private'], [change(config)]))
    await expect(vm().lifeCycle.start()).rejects.toThrow('volume private: ')
    if (_what.startsWith('the same'))
      await expect(vm('net').lifeCycle.start()).rejects.toThrow('work has the same image')
    else await vm('net').lifeCycle.start()
  })
})

describe('a pool that cannot be opened', () => {
  beforeEach(async () => {
    const folder = `${system.folder}/second`
    await system.app.pools.add('second', 'file', { dir_path: folder })
    await setProperty(system.app.global, 'default_pool_private', 'second')
    await system.create('AppVM', 'away', vm('tmpl'))
    await resetProperty(system.app.global, 'default_pool_private')
    await system.kill()
    await rename(folder, `${folder}-moved`)
    await system.reopen()
  })

  it('keeps its name and its place, and is opened by the first use once it can be', async () => {
    expect(system.app.pools.list().map(({ name }) => name)).toEqual(['varlibqubes', 'linux-kernel', 'second'])
    expect(system.app.pools.reasonAway('second')).toContain('no such file or folder')
    expect(system.app.pools.reasonAway('varlibqubes')).toBeUndefined()
    const other = { dir_path: `${system.folder}/other` }
    await expect(system.app.pools.add('second', 'file', other)).rejects.toThrow(
      'There is a storage pool second already',
    )
    await expect(vm('away').lifeCycle.start()).rejects.toThrow('second')
    await vm().lifeCycle.start()
    await rename(`${system.folder}/second-moved`, `${system.folder}/second`)
    await vm('away').lifeCycle.start()
    expect(vm('away').powerState).toBe('Running')
  })

  it('is opened in the background', async () => {
    await rename(`${system.folder}/second-moved`, `${system.folder}/second`)
    await system.advanceUntil(() => system.app.pools.reasonAway('second') === undefined, 1000)
    expect(system.logged.at(-1)).toMatchObject({ level: 'info', details: { pool: 'second' } })
  })

  it('can be removed when no domain uses it', async () => {
    await expect(system.app.pools.remove('second')).rejects.toThrow('in use by the volume appvms/away/private')
  })
})

it('a pool that no driver can be made of keeps its name, and its domains do not start', async () => {
  const [, , config = ''] = (await system.stored()).pools.find(([name]) => name === 'varlibqubes') ?? []
  await restartWith(put('pools', ['varlibqubes'], [0, config.replace('"file"', '"zfs"')]))
  expect(() => system.app.pools.get('varlibqubes')).toThrow('cannot be used: No driver zfs')
  const second = system.app.pools.add('varlibqubes', 'file', { dir_path: `${system.folder}/second` })
  await expect(second).rejects.toThrow('There is a storage pool varlibqubes already')
  await expect(vm().lifeCycle.start()).rejects.toThrow('volume private: The storage pool varlibqubes cannot be used')
})

describe('a damaged row that affects other objects', () => {
  it.each<[string, (qid: number) => RowChange[], string]>([
    ['an unknown class', (qid) => [put('domains', [qid], ['FooVM'])], 'has the class "FooVM"'],
    ['a domain without name', (qid) => [remove('properties', [qid, 'name'])], 'has no name'],
    ['a domain without uuid', (qid) => [put('properties', [qid, 'uuid'], ['x'])], 'has no valid uuid'],
    ['two domains of one name', (qid) => [put('properties', [qid, 'name'], ['net'])], 'two domains have the name net'],
    ['no admin domain', () => [remove('domains', [0])], 'the admin domain is missing'],
    ['rows of no domain', () => [put('tags', [77, 'a'], [])], 'the table tags has a row of a domain 77'],
    ['a bad label', () => [put('labels', ['red'], [1, 'red'])], 'the label "red"'],
    ['two labels of one index', () => [put('labels', ['red'], [2, '0xcc0000'])], 'has the index 2'],
    [
      'an unknown intent',
      () => [put('intents', [99], ['move', 'work', '{}', ''])],
      'is of no kind that this release knows',
    ],
  ])('keeps the daemon from starting: %s', async (_what, changes, message) => {
    const done = restartWith(...changes(vm().qid))
    await expect(done).rejects.toThrow(message)
    await expect(done).rejects.toThrow('Restore the state database from a backup')
    system = await TestSystem.open()
  })

  it('a foreign value in any column is either refused or reported', async () => {
    const stored = await system.stored()
    const before = Object.entries(stored)
    let undo: RowChange[] = []
    for (const table of tableNames) {
      // The text of a note is the user's; nothing reads the tables of devices and facts yet.
      if (['notes', 'devices', 'meta', 'released_dispids'].includes(table)) continue
      const rows = before.find(([name]) => name === table)?.[1] as readonly (readonly Cell[])[]
      // Of the global properties one that names a domain: a text may be any text.
      const row = rows.find(([first]) => first === 'default_netvm') ?? rows.at(-1)
      if (!row) continue
      const { key, values } = tables[table]
      for (const [index, [column, type]] of [...key, ...values].entries()) {
        // Positions are an order and no more; the value of a feature may be any text.
        if (column === 'position' || (table === 'features' && column === 'value')) continue
        const foreign = [...row]
        foreign[index] = type === 'integer' ? -7 : 'no release\nwrote this'
        const swap = (from: readonly Cell[], to: readonly Cell[]): RowChange[] => [
          { op: 'delete', table, key: from.slice(0, key.length) },
          { op: 'put', table, key: to.slice(0, key.length), values: to.slice(key.length) },
        ]
        const outcome = await outcomeOf([...undo, ...swap(row, foreign)])
        expect(outcome, `${table}.${column}`).toMatch(/^(refused|damaged): /)
        undo = swap(foreign, row)
      }
    }
    await restartWith(...undo)
    expect(vm().damage.list()).toEqual([])
  }, 240_000)
})

async function outcomeOf(changes: readonly RowChange[]): Promise<string> {
  try {
    await restartWith(...changes)
  } catch (error) {
    return `refused: ${error}`
  }
  const holders = [system.app.global, ...system.app.domains]
  const damage = holders.flatMap((holder) => holder.damage.list())
  const pools = ['varlibqubes', 'linux-kernel', 'no release\nwrote this'].flatMap(
    (name) => system.app.pools.reasonAway(name) ?? [],
  )
  return damage.length + pools.length > 0 ? `damaged: ${[...damage, ...pools].join('; ')}` : 'taken'
}

describe('an empty state', () => {
  it('is refused beside images, and accepted on demand without touching them', async () => {
    await vm().lifeCycle.start()
    await vm().lifeCycle.kill()
    await system.kill()
    for (const name of ['state.db', 'state.db-wal', 'state.generation'])
      await rm(`${system.folder}/${name}`, { force: true })
    await expect(system.reopen()).rejects.toThrow(
      /is missing or empty, but images of 3 domains are in .* \(appvms\/net, appvms\/work, vm-templates\/tmpl\)\. Restore the database from a backup; or .*--accept-empty/,
    )
    await system.kill()
    system.acceptEmpty = true
    await system.reopen()
    const files = await system.files()
    expect(files).toContain('appvms/work/private.img')
    expect(system.app.domains.find('work')).toBeUndefined()
  })

  it('is begun beside folders without images', async () => {
    await using fresh = await TestSystem.open()
    await fresh.kill()
    for (const name of ['state.db', 'state.db-wal', 'state.generation'])
      await rm(`${fresh.folder}/${name}`, { force: true })
    await mkdir(`${fresh.folder}/appvms/empty`)
    await fresh.reopen()
    expect(fresh.app.labels.list()).toHaveLength(8)
  })
})

import { QubesValueError, QubesVMAlreadyExistsError } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PoolChoice } from '../storage/domain-storage.ts'
import { discrepancies } from '../testing/soundness.ts'
import { TestSystem } from '../testing/test-system.ts'
import { createDomain } from './create-domain.ts'

let system: TestSystem

beforeEach(async () => {
  system = await TestSystem.open()
})
afterEach(() => system[Symbol.asyncDispose]())

it.each(['a', 'Z', 'a'.repeat(31), 'work_1.2-x', 'none1', 'domain-0', 'dm', 'x-dmx'])(
  'makes a domain %s',
  async (name) => {
    expect((await system.create('StandaloneVM', name)).name).toBe(name)
  },
)

it.each([
  '',
  'a'.repeat(32),
  'none',
  'default',
  'Domain-0',
  'x-dm',
  '1a',
  '-a',
  '_a',
  '.a',
  'a+b',
  'a b',
  'a/b',
  'a\n',
  'a\0b',
  'ä',
  'aé',
])('makes no domain %j, and nothing of one', async (name) => {
  await expect(system.create('StandaloneVM', name)).rejects.toThrow(QubesValueError)
  expect(system.app.domains.size).toBe(1)
  expect((await system.create('StandaloneVM', 'next')).qid).toBe(1)
})

it('makes no two of one name, also at the same time', async () => {
  const both = await Promise.allSettled([system.create('StandaloneVM', 'a'), system.create('StandaloneVM', 'a')])
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  await expect(system.create('StandaloneVM', 'a')).rejects.toThrow(QubesVMAlreadyExistsError)
})

describe('a domain that cannot be made', () => {
  const options = { name: 'new', label: 'red' }
  const failures: readonly [string, () => Promise<unknown> | unknown, PoolChoice, RegExp][] = [
    ['for want of a pool', () => {}, { pools: new Map([['private', 'missing']]) }, /missing/],
    [
      'because a snapshot cannot be elsewhere',
      () => {},
      { pools: new Map([['root', 'varlibqubes']]) },
      /Snapshot volume root must be in the same pool as its origin/,
    ],
    ['for want of a volume', () => {}, { pools: new Map([['extra', 'varlibqubes']]) }, /no volume extra/],
    ['because it cannot be begun', () => system.faults.failNext('commit', 'ENOSPC'), {}, /ENOSPC/],
    ['because it cannot be written down', () => system.faults.failNext('commit', 'ENOSPC', undefined, 1), {}, /ENOSPC/],
    [
      'because an image cannot',
      () => system.faults.failNext('create', 'EIO', /new\/private/),
      {},
      /input\/output error/,
    ],
    [
      'because nothing can be written at all',
      () => {
        system.faults.failNext('create', 'ENOSPC', /new\/private/)
        system.faults.failNext('commit', 'ENOSPC', undefined, 1)
      },
      {},
      /no space is left/,
    ],
  ]

  it.each(failures)('%s leaves nothing, and its name is free', async (_why, plan, pools, error) => {
    const template = await system.create('TemplateVM', 'tmpl')
    const make = (): Promise<unknown> =>
      createDomain(system.app, 'AppVM', { ...options, template: 'tmpl', pools, creator: system.app.adminVM })
    await plan()
    expect(await system.told(() => expect(make()).rejects.toThrow(error))).toEqual([])
    system.faults.clear()
    expect([...system.app.references.of(template)]).toEqual([])
    const left = await discrepancies(system)
    // An intent that could not be dropped is dropped by the next daemon.
    expect(left.filter((problem) => !problem.startsWith('intents'))).toEqual([])
    expect((await system.create('AppVM', 'new', template)).qid).toBe(2)
    await system.reopen()
    expect(await discrepancies(system)).toEqual([])
  })
})

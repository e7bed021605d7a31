import { QubesValueError, QubesVMAlreadyExistsError } from '@cloister/kit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { TestSystem } from './testing/test-system.ts'

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

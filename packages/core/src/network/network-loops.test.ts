import { QubesPropertyValueError, QubesValueError } from '@cloister/kit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { netvm } from '../domains/properties/net-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { resetProperty, setProperty } from '../operations/properties.ts'
import { TestSystem } from '../testing/test-system.ts'

let system: TestSystem

beforeEach(async () => {
  system = await TestSystem.open()
  for (const name of ['a', 'b', 'c']) {
    await setProperty(await system.create('StandaloneVM', name), 'provides_network', 'True')
    await set(name, '')
  }
})
afterEach(() => system[Symbol.asyncDispose]())

const vm = (name: string): QubesVM => system.app.domains.get(name) as QubesVM
const set = (name: string, provider: string): Promise<void> => setProperty(vm(name), 'netvm', provider)

it.each([
  ['one', ['a']],
  ['two', ['a', 'b']],
  ['three', ['a', 'b', 'c']],
])('refuses a loop of %s', async (_length, [first = '', ...others]) => {
  let last = first
  for (const next of others) {
    await set(last, next)
    last = next
  }
  await expect(set(last, first)).rejects.toThrow(QubesValueError)
  expect(vm(last).netvm).toBeUndefined()
})

it('refuses a loop by the default of the system', async () => {
  await set('b', 'a')
  await resetProperty(vm('a'), 'netvm')
  for (const provider of ['a', 'b'])
    await expect(setProperty(system.app.global, 'default_netvm', provider)).rejects.toThrow(QubesPropertyValueError)
  await setProperty(system.app.global, 'default_netvm', 'c')
  await expect(resetProperty(vm('c'), 'netvm')).rejects.toThrow(QubesValueError)
})

it('breaks a stored loop, once, and says so', async () => {
  await set('a', 'b')
  await set('b', 'c')
  // Past the checks, as only damage can.
  await system.app.changes.make((unit) => vm('c').assign(unit, netvm, vm('a')))
  const lines = (): unknown[] => system.logged.filter(({ level }) => level === 'error')
  await system.reopen()
  expect(lines()).toEqual([
    expect.objectContaining({ message: expect.stringContaining('loop'), details: { domain: 'a', netvm: 'b' } }),
  ])
  expect(['a', 'b', 'c'].map((name) => vm(name).netvm?.name)).toEqual([undefined, 'c', 'a'])
  await system.reopen()
  expect(lines()).toHaveLength(1)
  expect(vm('a').isDefault(netvm)).toBe(false)
})

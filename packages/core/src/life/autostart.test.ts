import { afterEach, beforeEach, expect, it } from 'vitest'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { setProperty } from '../operations/properties.ts'
import { TestSystem } from '../testing/test-system.ts'

// 80 of reference storage-and-lifecycle, part D; B.12.

let system: TestSystem

beforeEach(async () => {
  system = await TestSystem.open()
})
afterEach(() => system[Symbol.asyncDispose]())

async function domain(name: string, ...properties: readonly string[]): Promise<QubesVM> {
  const vm = await system.create('StandaloneVM', name)
  for (const property of properties) await setProperty(vm, property, 'True')
  return vm
}

const starts = async (): Promise<string[]> =>
  (await system.told(() => system.app.startAutomatically())).filter((event) => event.endsWith('domain-start'))

it('starts each domain with autostart once, after its netvm, which is started even without autostart', async () => {
  const work = await domain('work', 'autostart')
  const net = await domain('net', 'provides_network')
  const far = await domain('far', 'provides_network', 'autostart')
  await domain('idle')
  await setProperty(work, 'netvm', 'net')
  await setProperty(net, 'netvm', 'far')
  await setProperty(far, 'netvm', '')
  expect(await starts()).toEqual(['far domain-start', 'net domain-start', 'work domain-start'])
  expect(await starts()).toEqual([])
})

it('starts the other domains when one cannot be started', async () => {
  for (const name of ['a', 'b', 'c', 'd']) await domain(name, 'autostart')
  const broken = system.app.domains.get('a')
  await system.features(broken, { 'prohibit-start': 'broken' })
  expect((await starts()).sort()).toEqual(['b domain-start', 'c domain-start', 'd domain-start'])
  expect(system.logged).toContainEqual(
    expect.objectContaining({ level: 'error', details: { domain: 'a', error: expect.stringContaining('broken') } }),
  )
})

it("starts nothing when the kernel's command line says so", async () => {
  await domain('work', 'autostart')
  system.kernelCommandLine = 'root=/dev/sda quiet qubes.skip_autostart'
  expect(await starts()).toEqual([])
  system.kernelCommandLine = 'root=/dev/sda noqubes.skip_autostart'
  expect(await starts()).toEqual(['work domain-start'])
})

it('does not start again the domains that a daemon finds running', async () => {
  await domain('work', 'autostart')
  await starts()
  await system.reopen()
  expect(await starts()).toEqual([])
})

import { LibvirtError } from '@cloister/libvirt'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { MemorySystem } from '../testing/memory-system.ts'
import { discrepancies } from '../testing/soundness.ts'

const broken = new LibvirtError('RPC', 'the daemon closed the connection')

let system: MemorySystem
let vms: QubesVM[]

beforeEach(async () => {
  system = await MemorySystem.open()
  vms = []
  for (const name of ['runs', 'ends', 'pauses']) vms.push(await system.create('StandaloneVM', name))
  for (const vm of vms) await vm.lifeCycle.start()
})
afterEach(() => system[Symbol.asyncDispose]())

async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    system.advance(1000)
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  }
}

const states = (): string[] => vms.map(({ powerState }) => powerState)

it('guests outlive a lost connection; their state is unknown until it was made again', async () => {
  const [, ends, pauses] = vms
  system.loseConnection(broken)
  await pass(0)
  await new Promise(setImmediate)
  expect(states()).toEqual(['Transient', 'Transient', 'Transient'])
  await expect(vms[0]?.lifeCycle.pause()).rejects.toThrow(/closed the connection/)
  system.driver.powerOffDomain(ends?.uuid ?? '')
  const [guest] = (await system.driver.connectListAllDomains()).filter(({ name }) => name === pauses?.name)
  if (guest) await system.driver.domainSuspend(guest)
  await pass(3)
  expect(states()).toEqual(['Running', 'Halted', 'Paused'])
  expect(await discrepancies(system)).toEqual([])
  for (const vm of vms) if (vm.run) await vm.lifeCycle.kill()
  expect(await discrepancies(system)).toEqual([])
})

it('a guest whose start broke off with the connection is ended when the connection was made again', async () => {
  const late = await system.create('StandaloneVM', 'late')
  const held = system.driver.holdNext('domainResume')
  const start = late.lifeCycle.start()
  start.catch(() => {})
  await held.reached
  system.loseConnection(broken)
  held.release()
  await pass(60)
  await start.catch(() => {})
  // The guest was resumed behind the daemon's back: the domain runs, or its guest is gone.
  const guests = (await system.driver.connectListAllDomains({ active: true })).map(({ name }) => name)
  expect(guests.includes('late')).toBe(late.powerState !== 'Halted')
  expect(await discrepancies(system)).toEqual([])
})

it('a guest whose state cannot be read does not keep the others from being matched', async () => {
  const [, ends] = vms
  system.loseConnection(broken)
  await pass(0)
  system.driver.powerOffDomain(ends?.uuid ?? '')
  system.driver.failNext('domainGetState', new LibvirtError('INTERNAL_ERROR', 'no'))
  await pass(3)
  expect(states()).toEqual(['Transient', 'Halted', 'Running'])
  expect(system.logged.join('\n')).toContain('the state of a guest cannot be read')
  await vms[0]?.lifeCycle.kill()
  expect(states()).toEqual(['Halted', 'Halted', 'Running'])
})

it('the connection is made again until the guests can be listed', async () => {
  system.loseConnection(broken)
  await pass(0)
  system.driver.failNext('connectListAllDomains', new LibvirtError('INTERNAL_ERROR', 'no'))
  await pass(2)
  expect(states()).toEqual(['Transient', 'Transient', 'Transient'])
  await pass(3)
  expect(states()).toEqual(['Running', 'Running', 'Running'])
  await vms[0]?.lifeCycle.pause()
  expect(states()).toEqual(['Paused', 'Running', 'Running'])
  expect(await discrepancies(system)).toEqual([])
})

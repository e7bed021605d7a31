import { QubesVMNotStartedError } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { noNetwork } from '../domains/ports/network.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { resetProperty, setProperty } from '../operations/properties.ts'
import { TestSystem } from '../testing/test-system.ts'
import { deferredNetvm } from './network-links.ts'

let system: TestSystem
/** What the back end was asked for. */
let links: string[]

beforeEach(async () => {
  system = await TestSystem.open()
  const template = await system.create('TemplateVM', 'debian')
  for (const name of ['net1', 'net2', 'work']) await system.create('AppVM', name, template)
  for (const name of ['net1', 'net2']) await set(name, 'provides_network', 'True')
  await set('work', 'netvm', 'net1')
  connectBackend()
})
afterEach(() => system[Symbol.asyncDispose]())

/** A back end that notes what it is asked for. */
function connectBackend(): void {
  links = []
  system.network = {
    ...noNetwork,
    connect: async (vm, provider) => void links.push(`${vm.name} to ${provider.name}`),
    disconnect: async (vm, provider) => void links.push(`${vm.name} off ${provider.name}`),
  }
}

const vm = (name: string): QubesVM => system.app.domains.get(name) as QubesVM
const set = (name: string, property: string, text: string): Promise<void> => setProperty(vm(name), property, text)
const deferred = (): string | undefined => vm('work').features.find(deferredNetvm)
const connected = (): string[] => system.events.filter((event) => event.includes('net-domain-connect'))

async function start(...names: string[]): Promise<void> {
  for (const name of names) await vm(name).lifeCycle.start()
  links = []
}

describe('a guest that runs', () => {
  it('is connected with its new netvm before the change is answered', async () => {
    await start('net2', 'work')
    await set('work', 'netvm', 'net2')
    expect(links).toEqual(['work off net1', 'work to net2'])
    expect(connected()).toEqual(['net2 net-domain-connect vm=work'])
    expect(deferred()).toBeUndefined()
  })

  it('is disconnected when its netvm is set to none', async () => {
    await start('work')
    await set('work', 'netvm', '')
    expect(links).toEqual(['work off net1'])
    expect(connected()).toEqual([])
  })

  it('is left alone when nothing changes', async () => {
    await start('work')
    await set('work', 'netvm', 'net1')
    expect(links).toEqual([])
  })

  it('follows the default of the system', async () => {
    await setProperty(system.app.global, 'default_netvm', '')
    for (const name of ['net1', 'net2']) await set(name, 'netvm', '')
    await setProperty(system.app.global, 'default_netvm', 'net1')
    await resetProperty(vm('work'), 'netvm')
    await start('work')
    await setProperty(system.app.global, 'default_netvm', 'net2')
    expect(links).toEqual(['work off net1', 'work to net2'])
    expect(vm('net2').powerState).toBe('Running')
  })

  it('does not get a netvm that is halted', async () => {
    await start('work')
    await expect(set('work', 'netvm', 'net2')).rejects.toThrow(QubesVMNotStartedError)
    expect(vm('work').netvm).toBe(vm('net1'))
  })

  it('is connected with the netvm of the last of several changes', async () => {
    await start('net2', 'work')
    await Promise.all(['net2', '', 'net1', 'net2'].map((name) => set('work', 'netvm', name)))
    expect(links.at(-1)).toBe('work to net2')
    expect(links.filter((link) => link.includes(' to ')).length).toBe(
      links.filter((link) => link.includes(' off ')).length,
    )
  })

  it('gets its interface again when its netvm is started again', async () => {
    await start('work')
    await vm('net1').lifeCycle.kill()
    expect(links).toEqual(['work off net1'])
    await vm('net1').lifeCycle.start()
    expect(links).toEqual(['work off net1', 'work to net1'])
  })

  it('fails the call when it cannot be connected', async () => {
    await start('net2', 'work')
    const failing = { ...noNetwork, connect: () => Promise.reject(new Error('no')) }
    system.network = failing
    await expect(set('work', 'netvm', 'net2')).rejects.toThrow('no')
    expect(vm('work').netvm).toBe(vm('net2'))
  })
})

it('a halted domain changes its netvm without a call of the network back end', async () => {
  await set('work', 'netvm', 'net2')
  expect([links, connected(), deferred()]).toEqual([[], [], undefined])
})

describe('a guest that is paused', () => {
  beforeEach(async () => {
    await start('net2', 'work')
    await vm('work').lifeCycle.pause()
  })

  it('is connected with its new netvm when it is resumed', async () => {
    await set('work', 'netvm', 'net2')
    expect(deferred()).toBe('net1')
    expect([links, connected()]).toEqual([[], []])
    await vm('work').lifeCycle.unpause()
    expect(links).toEqual(['work off net1', 'work to net2'])
    expect(connected()).toEqual(['net2 net-domain-connect vm=work'])
    expect(deferred()).toBeUndefined()
  })

  it('is connected also when another client of the hypervisor resumes it', async () => {
    await set('work', 'netvm', 'net2')
    system.driver.externalResume(vm('work').uuid)
    await system.until(() => deferred() === undefined)
    expect(links).toEqual(['work off net1', 'work to net2'])
  })

  it('keeps the netvm from before the first of several changes', async () => {
    await set('work', 'netvm', '')
    await set('work', 'netvm', 'net2')
    expect(deferred()).toBe('net1')
  })

  it('keeps that it had no netvm', async () => {
    await vm('work').lifeCycle.unpause()
    await set('work', 'netvm', '')
    await vm('work').lifeCycle.pause()
    await set('work', 'netvm', 'net2')
    expect(deferred()).toBe('')
    links = []
    await vm('work').lifeCycle.unpause()
    expect(links).toEqual(['work to net2'])
  })

  it('is left alone when it is resumed with its old netvm', async () => {
    await set('work', 'netvm', 'net2')
    await set('work', 'netvm', 'net1')
    await vm('work').lifeCycle.unpause()
    expect([links, connected(), deferred()]).toEqual([[], [], undefined])
  })

  it('has its netvm started when it is resumed', async () => {
    await set('work', 'netvm', 'net2')
    await vm('net2').lifeCycle.kill()
    links = []
    await vm('work').lifeCycle.unpause()
    expect(vm('net2').powerState).toBe('Running')
    expect(links).toEqual(['work off net1', 'work to net2'])
    expect(connected()).toHaveLength(1)
  })

  it('waits while its netvm starts', async () => {
    await set('work', 'netvm', 'net2')
    await vm('net2').lifeCycle.kill()
    await vm('net2').lifeCycle.start()
    expect([links, deferred()]).toEqual([[], 'net1'])
  })

  it('has no deferred change any more once it has ended', async () => {
    await set('work', 'netvm', 'net2')
    await vm('work').lifeCycle.kill()
    expect(deferred()).toBeUndefined()
  })

  it('is connected by the next daemon', async () => {
    await set('work', 'netvm', 'net2')
    await system.reopen()
    connectBackend()
    expect(deferred()).toBe('net1')
    await vm('work').lifeCycle.unpause()
    expect(links).toEqual(['work off net1', 'work to net2'])
    expect(deferred()).toBeUndefined()
  })

  it('loses a deferred change when its end was not seen', async () => {
    await set('work', 'netvm', 'net2')
    const { uuid } = vm('work')
    await system.kill()
    system.driver.powerOffDomain(uuid)
    await system.reopen()
    connectBackend()
    await vm('work').lifeCycle.start()
    expect([links, deferred()]).toEqual([[], undefined])
  })
})

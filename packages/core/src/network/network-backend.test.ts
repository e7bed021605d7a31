import { formatFirewallRule, parseFirewallRule } from '@cloister/admin-protocol'
import { xml } from '@cloister/kit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { noNetwork } from '../domains/ports/network.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { TestSystem } from '../testing/test-system.ts'

let system: TestSystem
let vm: QubesVM
/** What the back ends were asked for, in order. */
let asked: string[]

beforeEach(async () => {
  asked = []
  system = await TestSystem.open()
  system.network = {
    ...noNetwork,
    prepare: async ({ name }) => {
      asked.push(`prepare ${name}`)
      return [xml('interface', { type: 'user' }, xml('mac', { address: '00:16:3e:5e:6c:00' }))]
    },
    release: async ({ name }) => void asked.push(`release ${name}`),
    adopt: async (running) => void asked.push(`adopt ${running.map(({ name }) => name).join()}`),
  }
  system.firewall = {
    apply: async ({ name }, rules) => void asked.push(`apply ${name} ${rules.map(formatFirewallRule).join()}`),
  }
  vm = await system.create('StandaloneVM', 'work')
})
afterEach(() => system[Symbol.asyncDispose]())

it('prepares the network when the rules are in force, and releases it when the guest has ended', async () => {
  await vm.lifeCycle.start()
  expect(asked).toEqual(['apply work action=accept', 'prepare work'])
  expect(await vm.run?.domain.getXMLDesc()).toContain('00:16:3e:5e:6c:00')
  await vm.lifeCycle.kill()
  expect(asked.slice(2)).toEqual(['release work'])
})

it.each(['domainDefineXML', 'domainCreate'] as const)('releases the network when %s fails', async (operation) => {
  system.driver.failNext(operation, new Error('no'))
  await expect(vm.lifeCycle.start()).rejects.toThrow('no')
  expect(asked).toEqual(['apply work action=accept', 'prepare work', 'release work'])
})

it('fails a start whose network cannot be prepared', async () => {
  system.network = { ...noNetwork, prepare: () => Promise.reject(new Error('no link')) }
  await expect(vm.lifeCycle.start()).rejects.toThrow('no link')
  expect(vm.phase.name).toBe('halted')
})

it('applies new rules of a running guest before the change is answered', async () => {
  const drop = [parseFirewallRule('action=drop')]
  await system.app.changes.make((unit) => vm.firewall.set(unit, drop))
  expect(asked).toEqual([])
  await vm.lifeCycle.start()
  await system.app.changes.make((unit) => vm.firewall.set(unit, [parseFirewallRule('action=accept')]))
  expect(asked).toEqual(['apply work action=drop', 'prepare work', 'apply work action=accept'])
})

it('takes over the network of guests that outlived the daemon', async () => {
  await vm.lifeCycle.start()
  await system.reopen()
  expect(asked.at(-1)).toBe('adopt work')
})

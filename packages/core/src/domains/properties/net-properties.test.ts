import { QubesValueError } from '@cloister/kit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { setProperty } from '../../operations/properties.ts'
import { TestSystem } from '../../testing/test-system.ts'
import { DispVM, dispid } from '../disp-vm.ts'
import type { QubesVM } from '../qubes-vm.ts'

let system: TestSystem
let net: QubesVM
let work: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  const template = await system.create('TemplateVM', 'debian')
  net = await system.create('AppVM', 'net', template)
  work = await system.create('AppVM', 'work', template)
  await setProperty(net, 'provides_network', 'True')
  await setProperty(work, 'netvm', 'net')
})
afterEach(() => system[Symbol.asyncDispose]())

const addresses = (vm: QubesVM): unknown[] =>
  ['ip', 'visible_gateway', 'ip6', 'visible_gateway6'].map((name) => vm.get(vm.property(name)))

it('has addresses by its number, whatever its netvm is', async () => {
  expect(addresses(work)).toEqual(['10.137.0.3', '10.137.0.2', null, null])
  await setProperty(work, 'provides_network', 'True')
  await setProperty(work, 'netvm', '')
  expect(addresses(work)).toEqual(['10.137.0.3', null, null, null])
  await setProperty(work, 'provides_network', 'False')
  expect(addresses(work)).toEqual([null, null, null, null])
})

it('has IPv6 when a provider on its way out has', async () => {
  await system.features(net, { ipv6: '1' })
  expect(addresses(work).slice(2)).toEqual(['fd09:24ef:4179::a89:3', 'fd09:24ef:4179::a89:2'])
  await system.features(work, { ipv6: '' })
  expect(addresses(work).slice(2)).toEqual([null, null])
})

it('shows a guest other addresses than it has', async () => {
  await system.features(work, {
    'net.fake-ip': '192.168.1.5',
    'net.fake-gateway': '192.168.1.1',
    'net.fake-netmask': '255.255.255.0',
  })
  const shown = ['ip', 'visible_ip', 'visible_gateway', 'visible_netmask'].map((name) => work.get(work.property(name)))
  expect(shown).toEqual(['10.137.0.3', '192.168.1.5', '192.168.1.1', '255.255.255.0'])
})

it('gives a disposable an address by its own number', async () => {
  await setProperty(work, 'template_for_dispvms', 'True')
  const vm = await system.app.disposables.create(work, system.app.adminVM)
  expect(vm).toBeInstanceOf(DispVM)
  const number = Number(vm.get(dispid))
  const last = number < 255 ? `0.${number}` : `${Math.floor((number - 1) / 254)}.${((number - 1) % 254) + 1}`
  expect(vm.get(vm.property('ip'))).toBe(`10.138.${last}`)
})

it('cannot stop giving network while another domain uses it', async () => {
  await expect(setProperty(net, 'provides_network', 'False')).rejects.toThrow(QubesValueError)
  await setProperty(work, 'netvm', '')
  await setProperty(net, 'provides_network', 'False')
})

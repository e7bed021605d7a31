import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { propertiesOfAllClasses } from '../domains/vm-classes.ts'
import { resetProperty, setProperty } from '../operations/properties.ts'
import { TestSystem } from '../testing/test-system.ts'

// 76 of reference storage-and-lifecycle, part D; admin-api, 4.2.

let system: TestSystem
let template: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  template = await system.create('TemplateVM', 'tmpl')
  for (const name of ['plain', 'own']) await system.create('AppVM', name, template)
  await system.create('AppVM', 'stranger', await system.create('TemplateVM', 'other'))
})
afterEach(() => system[Symbol.asyncDispose]())

const vm = (name: string): QubesVM => system.app.domains.get(name) as QubesVM
const set = (name: string, value: string, holder = template): Promise<void> => setProperty(holder, name, value)

/** Two values of each inherited property. */
const values: Readonly<Record<string, readonly [string, string]>> = {
  default_user: ['alice', 'bob'],
  kernel: ['', '6.1.0'],
  kernelopts: ['quiet', 'debug'],
  vcpus: ['3', '4'],
  memory: ['500', '600'],
  maxmem: ['5000', '6000'],
  qrexec_timeout: ['70', '80'],
  shutdown_timeout: ['70', '80'],
  management_dispvm: ['own', ''],
}

describe('a change in a template', () => {
  it.each(propertiesOfAllClasses(({ inherited }) => inherited).map(({ name }) => name))(
    'of %s is one in the domains that leave it at its default, and in no others',
    async (name) => {
      await set('template_for_dispvms', 'True', vm('own'))
      const [one = '', two = ''] = values[name] ?? []
      await set(name, two, vm('own'))
      const events = await system.told(() => set(name, one))
      expect(events).toEqual([
        `tmpl property-pre-set:${name}`,
        `plain property-reset:${name}`,
        `tmpl property-set:${name}`,
      ])
      expect(vm('plain').get(vm('plain').property(name))).toEqual(template.get(template.property(name)))
      const same = await system.told(() => set(name, one))
      expect(same.filter((event) => event.startsWith('plain'))).toEqual([])
      const reset = await system.told(() => resetProperty(template, name))
      expect(reset.filter((event) => event.includes('property-reset'))).toEqual([
        `plain property-reset:${name}`,
        `tmpl property-reset:${name}`,
      ])
    },
  )

  it('of anything else is not', async () => {
    const events = await system.told(() => set('debug', 'True'))
    expect(events).toEqual(['tmpl property-pre-set:debug', 'tmpl property-set:debug'])
  })
})

it('a label is shown by an icon', async () => {
  const events = await system.told(() => set('label', 'blue'))
  expect(events).toContain('tmpl property-reset:icon')
  expect(template.icon).toBe('templatevm-blue')
})

it('who gives network is a service, and says where it is', async () => {
  const net = vm('own')
  const given = await system.told(() => set('provides_network', 'True', net))
  expect(given).toEqual(
    expect.arrayContaining(['icon', 'gateway', 'gateway6'].map((name) => `own property-reset:${name}`)),
  )
  expect([net.icon, net.features.find('servicevm')]).toEqual(['servicevm-red', '1'])
  await set('netvm', 'own', vm('plain'))
  const moved = await system.told(() => set('ip', '10.1.2.3', net))
  expect(moved).toEqual(
    expect.arrayContaining(['own property-reset:visible_ip', 'plain property-reset:visible_gateway']),
  )
  await set('netvm', '', vm('plain'))
  await set('provides_network', 'False', net)
  expect(net.features.find('servicevm')).toBeUndefined()
})

it('a default of the system is one of the domains that leave it so; templates have no network', async () => {
  await set('provides_network', 'True', vm('own'))
  await set('netvm', '', vm('own'))
  const events = await system.told(() => setProperty(system.app.global, 'default_netvm', 'own'))
  expect(events).toEqual(expect.arrayContaining(['plain property-reset:netvm', 'stranger property-reset:netvm']))
  expect(events).not.toContain('own property-reset:netvm')
  expect(vm('plain').netvm?.name).toBe('own')
  expect(template.netvm).toBeUndefined()
})

it('the domain that sets the clock is marked, and the one before no more', async () => {
  await setProperty(system.app.global, 'clockvm', 'plain')
  await setProperty(system.app.global, 'clockvm', 'own')
  expect(['plain', 'own'].map((name) => vm(name).features.find('service.clocksync'))).toEqual([undefined, '1'])
})

it('who shows the windows of a domain is a tag of it', async () => {
  expect(vm('plain').tags.list()).toContain('guivm-dom0')
  await set('guivm', 'own', vm('plain'))
  expect(
    vm('plain')
      .tags.list()
      .filter((tag) => tag.startsWith('guivm')),
  ).toEqual(['guivm-own'])
  await set('guivm', '', vm('plain'))
  expect(
    vm('plain')
      .tags.list()
      .filter((tag) => tag.startsWith('guivm')),
  ).toEqual([])
})

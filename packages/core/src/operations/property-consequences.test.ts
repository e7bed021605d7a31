import { QubesNoSuchPropertyError, QubesValueError } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyboardLayout } from '../domains/properties/qubes-vm-properties.ts'
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
  virt_mode: ['hvm', 'pv'],
}

describe('a change in a template', () => {
  it.each(propertiesOfAllClasses(({ inherits, name }) => inherits === name).map(({ name }) => name))(
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

it('a label is shown by an icon, of which subscribers hear first', async () => {
  expect(await system.told(() => set('label', 'blue'))).toEqual([
    'tmpl property-pre-set:label',
    'tmpl property-reset:icon',
    'tmpl property-set:label',
  ])
  expect(template.icon).toBe('templatevm-blue')
})

describe('who gives network', () => {
  it('is a service, and says where it is', async () => {
    const net = vm('own')
    expect(await system.told(() => set('provides_network', 'True', net))).toEqual([
      'own property-pre-set:provides_network',
      'own domain-feature-pre-set:servicevm',
      'own domain-feature-set:servicevm',
      'own property-reset:icon',
      'own property-reset:gateway',
      'own property-reset:gateway6',
      'own property-set:provides_network',
    ])
    expect([net.icon, net.features.find('servicevm')]).toEqual(['servicevm-red', '1'])
    await set('provides_network', 'False', net)
    expect(net.features.find('servicevm')).toBeUndefined()
  })

  it.each([
    ['ip', '10.1.2.3', ''],
    ['ip6', 'fd00::1', '6'],
  ])('tells its new %s to those whom it serves', async (name, address, family) => {
    await set('provides_network', 'True', vm('own'))
    await set('netvm', 'own', vm('plain'))
    expect(await system.told(() => set(name, address, vm('own')))).toEqual([
      `own property-pre-set:${name}`,
      `own property-reset:gateway${family}`,
      `own property-reset:visible_ip${family}`,
      `plain property-reset:visible_gateway${family}`,
      `own property-set:${name}`,
    ])
    expect(await system.told(() => set(name, address, vm('plain')))).toEqual([
      `plain property-pre-set:${name}`,
      `plain property-reset:visible_ip${family}`,
      `plain property-set:${name}`,
    ])
  })

  it('cannot stop it while others use it, by a value or by a reset', async () => {
    await set('provides_network', 'True', vm('own'))
    await set('netvm', 'own', vm('plain'))
    await expect(set('provides_network', 'False', vm('own'))).rejects.toThrow(QubesValueError)
    const told = await system.told(() => expect(resetProperty(vm('own'), 'provides_network')).rejects.toThrow())
    expect(told).toEqual(['own property-pre-reset:provides_network'])
  })

  it('keeps a mark of the user when a reset changes nothing', async () => {
    await system.features(vm('plain'), { servicevm: '1' })
    await resetProperty(vm('plain'), 'provides_network')
    expect(vm('plain').icon).toBe('servicevm-red')
  })
})

it('a template that gives network is a template still', async () => {
  await set('provides_network', 'True')
  expect([template.icon, template.features.find('servicevm')]).toEqual(['templatevm-red', '1'])
})

describe('a netvm that is reset', () => {
  it('is told as changed when it is another one then', async () => {
    for (const name of ['own', 'stranger']) {
      await set('provides_network', 'True', vm(name))
      await set('netvm', '', vm(name))
    }
    await setProperty(system.app.global, 'default_netvm', 'own')
    await set('netvm', 'stranger', vm('plain'))
    expect(await system.told(() => resetProperty(vm('plain'), 'netvm'))).toEqual([
      'plain property-pre-reset:netvm',
      'plain property-pre-set:netvm',
      'plain property-pre-del:netvm',
      'plain property-set:netvm',
      'plain property-reset:netvm',
      'plain property-del:netvm',
    ])
    expect(system.events.at(-3)).toBe('plain property-set:netvm name=netvm newvalue=own oldvalue=stranger')
  })

  it('is told as reset only when the default is the same', async () => {
    expect(await system.told(() => resetProperty(vm('plain'), 'netvm'))).toEqual([
      'plain property-pre-reset:netvm',
      'plain property-pre-del:netvm',
      'plain property-reset:netvm',
      'plain property-del:netvm',
    ])
  })
})

describe('a reset that is refused', () => {
  it.each(['template', 'label'])('of a %s, which has no default, has told that it was asked for', async (name) => {
    const value = vm('plain').get(vm('plain').property(name))
    const told = await system.told(() => expect(resetProperty(vm('plain'), name)).rejects.toThrow(QubesValueError))
    expect(told).toEqual([`plain property-pre-reset:${name}`])
    expect(vm('plain').get(vm('plain').property(name))).toBe(value)
  })

  it.each(['name', 'qid', 'uuid'])('of a %s, which is fixed, tells nothing', async (name) => {
    const told = await system.told(() =>
      expect(resetProperty(vm('plain'), name)).rejects.toThrow(QubesNoSuchPropertyError),
    )
    expect(told).toEqual([])
  })
})

it('the domain that sets the clock is marked before the one that did it is no more', async () => {
  await setProperty(system.app.global, 'clockvm', 'plain')
  expect(await system.told(() => setProperty(system.app.global, 'clockvm', 'own'))).toEqual([
    'property-pre-set:clockvm',
    'own domain-feature-pre-set:service.clocksync',
    'own domain-feature-set:service.clocksync',
    'plain domain-feature-pre-delete:service.clocksync',
    'plain domain-feature-delete:service.clocksync',
    'property-set:clockvm',
  ])
  expect(['plain', 'own'].map((name) => vm(name).features.find('service.clocksync'))).toEqual([undefined, '1'])
})

describe('a keyboard layout', () => {
  const layouts = async (work: () => Promise<unknown>): Promise<string[]> =>
    (await system.told(work)).filter((event) => event.endsWith(' property-reset:keyboard_layout'))

  it('is told to those whose windows the domain shows, directly or through others', async () => {
    await set('guivm', 'own', vm('plain'))
    await set('keyboard_layout', 'fr++', vm('stranger'))
    const shown = await layouts(() => setProperty(system.app.adminVM, 'keyboard_layout', 'de++'))
    expect(shown.sort()).toEqual(
      ['other', 'own', 'plain', 'tmpl'].map((name) => `${name} property-reset:keyboard_layout`),
    )
    expect(vm('plain').get(keyboardLayout)).toBe('de++')
    expect(await layouts(() => set('guivm', 'stranger', vm('own')))).toEqual([
      'plain property-reset:keyboard_layout',
      'own property-reset:keyboard_layout',
    ])
  })

  it('is the usual one of domains that show each other', async () => {
    await set('guivm', 'own', vm('plain'))
    await set('guivm', 'plain', vm('own'))
    expect(vm('plain').get(keyboardLayout)).toBe('us++')
    await set('keyboard_layout', 'fr++', vm('own'))
    expect(await layouts(() => resetProperty(vm('own'), 'keyboard_layout'))).toEqual([
      'plain property-reset:keyboard_layout',
      'own property-reset:keyboard_layout',
    ])
  })
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

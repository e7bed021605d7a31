import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultAudiovm, defaultGuivm } from '../domains/properties/global-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { resetProperty, setProperty } from '../operations/properties.ts'
import { TestSystem } from '../testing/test-system.ts'

// reference admin-api, 4.2

let system: TestSystem

const vm = (name: string): QubesVM => system.app.domains.get(name) as QubesVM
const set = (name: string, property: string, value: string): Promise<void> => setProperty(vm(name), property, value)
const setGlobal = (property: string, value: string): Promise<void> => setProperty(system.app.global, property, value)

/** Two templates, a template of disposables on the first, a disposable of that one, and a domain without a template. */
beforeEach(async () => {
  system = await TestSystem.open()
  const template = await system.create('TemplateVM', 'tmpl')
  await system.create('TemplateVM', 'other')
  const dvm = await system.create('AppVM', 'dvm', template)
  await set('dvm', 'template_for_dispvms', 'True')
  await system.create('DispVM', 'disp', dvm)
  await system.create('StandaloneVM', 'alone')
})
afterEach(() => system[Symbol.asyncDispose]())

describe('a default of a template', () => {
  it('is told to its app domains and their disposables, the last of them first', async () => {
    expect(await system.told(() => set('tmpl', 'vcpus', '3'))).toEqual([
      'tmpl property-pre-set:vcpus',
      'disp property-reset:vcpus',
      'dvm property-reset:vcpus',
      'tmpl property-set:vcpus',
    ])
    expect(await system.told(() => set('dvm', 'vcpus', '4'))).toEqual([
      'dvm property-pre-set:vcpus',
      'disp property-reset:vcpus',
      'dvm property-set:vcpus',
    ])
    expect(await system.told(() => set('tmpl', 'vcpus', '5'))).toEqual([
      'tmpl property-pre-set:vcpus',
      'tmpl property-set:vcpus',
    ])
  })

  it('is not told when it is what it was', async () => {
    expect(await system.told(() => set('tmpl', 'vcpus', '2'))).toEqual([
      'tmpl property-pre-set:vcpus',
      'tmpl property-set:vcpus',
    ])
  })

  it('may have another name than what follows from it', async () => {
    expect(await system.told(() => set('tmpl', 'appvm_default_bootmode', 'rescue'))).toEqual([
      'tmpl property-pre-set:appvm_default_bootmode',
      'dvm property-reset:bootmode',
      'tmpl property-set:appvm_default_bootmode',
    ])
  })

  it('of none is one for its app domains, whatever the system says', async () => {
    await setGlobal('management_dispvm', 'dvm')
    await set('tmpl', 'management_dispvm', '')
    const property = vm('disp').property('management_dispvm')
    expect([vm('dvm').get(property), vm('disp').get(property)]).toEqual([null, null])
  })
})

it('another template is told by what differs', async () => {
  await set('other', 'memory', '500')
  const told = await system.told(() => set('dvm', 'template', 'other'))
  expect(told.filter((event) => event.includes('property-reset'))).toEqual([
    'disp property-reset:memory',
    'dvm property-reset:memory',
  ])
})

/** A value of each global property that is a default of domains, and a domain that sets the property of its own. */
const values: Readonly<Record<string, string>> = {
  default_qrexec_timeout: '70',
  default_shutdown_timeout: '70',
  default_kernel: '',
  management_dispvm: 'dvm',
}

describe('a default of the system', () => {
  it.each(Object.entries(values))('%s is told to all domains that leave it so', async (global, value) => {
    const property = global.replace(/^default_/, '')
    const own = { qrexec_timeout: '50', shutdown_timeout: '50', kernel: '', management_dispvm: '' }[property] ?? ''
    await set('alone', property, own)
    expect(await system.told(() => setGlobal(global, value))).toEqual([
      `property-pre-set:${global}`,
      `disp property-reset:${property}`,
      `dvm property-reset:${property}`,
      `tmpl property-reset:${property}`,
      `other property-reset:${property}`,
      `property-set:${global}`,
    ])
    await set('tmpl', property, own)
    const reset = await system.told(() => resetProperty(system.app.global, global))
    expect(reset.filter((event) => event.endsWith(`property-reset:${property}`))).toEqual(
      property === global
        ? ['other property-reset:management_dispvm', 'property-reset:management_dispvm']
        : [`other property-reset:${property}`],
    )
  })

  it('default_dispvm is told to the admin domain, too, and not to disposables, whose template it is', async () => {
    expect(await system.told(() => setGlobal('default_dispvm', 'dvm'))).toEqual([
      'property-pre-set:default_dispvm',
      ...['dom0', 'tmpl', 'other', 'dvm', 'alone'].map((name) => `${name} property-reset:default_dispvm`),
      'property-set:default_dispvm',
    ])
  })

  it.each([defaultGuivm, defaultAudiovm])(
    '$name is told as set, with the tags that follow',
    async ({ name: global }) => {
      const name = global.replace(/^default_/, '')
      await set('dvm', name, '')
      for (const other of ['tmpl', 'other', 'disp']) await set(other, name, '')
      expect(await system.told(() => setGlobal(global, 'dvm'))).toEqual([
        `property-pre-set:${global}`,
        `alone domain-tag-delete:${name}-dom0`,
        `alone domain-tag-add:${name}-dvm`,
        `alone property-set:${name}`,
        `property-set:${global}`,
      ])
    },
  )

  it('default_netvm is asked for and told by each domain that has it, and by no template', async () => {
    await set('alone', 'provides_network', 'True')
    await set('alone', 'netvm', '')
    expect(await system.told(() => setGlobal('default_netvm', 'alone'))).toEqual([
      'property-pre-set:default_netvm',
      'dvm property-pre-set:netvm',
      'disp property-pre-set:netvm',
      'dvm property-set:netvm',
      'dvm property-reset:netvm',
      'disp property-set:netvm',
      'disp property-reset:netvm',
      'property-set:default_netvm',
    ])
    expect(vm('dvm').netvm?.name).toBe('alone')
    expect(vm('tmpl').netvm).toBeUndefined()
    expect(await system.told(() => resetProperty(system.app.global, 'default_netvm'))).toEqual([
      'property-pre-reset:default_netvm',
      'dvm property-pre-set:netvm',
      'disp property-pre-set:netvm',
      'property-pre-del:default_netvm',
      'dvm property-set:netvm',
      'dvm property-reset:netvm',
      'disp property-set:netvm',
      'disp property-reset:netvm',
      'property-reset:default_netvm',
      'property-del:default_netvm',
    ])
  })
})

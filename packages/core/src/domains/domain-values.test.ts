import { QubesLabelNotFoundError, QubesPropertyValueError } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cloneDomain } from '../operations/clone-domain.ts'
import { createDomain } from '../operations/create-domain.ts'
import { setProperty } from '../operations/properties.ts'
import { systemInfo } from '../operations/system-info.ts'
import { TestSystem } from '../testing/test-system.ts'
import type { DispVM } from './disp-vm.ts'
import { labelOfVM } from './properties/base-properties.ts'
import { memory } from './properties/qubes-vm-properties.ts'
import type { QubesVM } from './qubes-vm.ts'
import type { RemoteVM } from './remote-vm.ts'

let system: TestSystem

beforeEach(async () => {
  system = await TestSystem.open()
})
afterEach(() => system[Symbol.asyncDispose]())

describe('a property that names a domain of this host', () => {
  it.each(['guivm', 'audiovm'])('%s names no domain of another host', async (name) => {
    const vm = await system.create('StandaloneVM', 'work')
    await system.create('RemoteVM', 'far')
    await expect(setProperty(vm, name, 'far')).rejects.toThrow(QubesPropertyValueError)
    await expect(setProperty(system.app.global, `default_${name}`, 'far')).rejects.toThrow(QubesPropertyValueError)
  })

  it.each(['clockvm', 'updatevm'])('%s of the system names none either', async (name) => {
    await system.create('RemoteVM', 'far')
    await expect(setProperty(system.app.global, name, 'far')).rejects.toThrow(QubesPropertyValueError)
  })

  it('relayvm names neither another domain of another host nor itself', async () => {
    const far = await system.create<RemoteVM>('RemoteVM', 'far')
    await system.create('RemoteVM', 'further')
    for (const name of ['far', 'further'])
      await expect(setProperty(far, 'relayvm', name)).rejects.toThrow(QubesPropertyValueError)
    await system.create('StandaloneVM', 'relay')
    await setProperty(far, 'relayvm', 'relay')
    expect(far.tags.list()).toContain('relayvm-relay')
  })
})

describe('an integer', () => {
  it.each([
    [' 600 ', 600],
    ['\t600\n', 600],
    ['+600', 600],
    ['6_00', 600],
  ])('may be written %j', async (text, value) => {
    const vm = await system.create('StandaloneVM', 'work')
    await setProperty(vm, 'memory', text)
    expect(vm.get(memory)).toBe(value)
  })
})

describe('a label', () => {
  it.each([
    ['label-3', 'yellow'],
    ['3', 'yellow'],
    [' 3 ', 'yellow'],
    ['yellow', 'yellow'],
  ])('is chosen by %j', async (text, name) => {
    const vm = await system.create('StandaloneVM', 'work')
    await setProperty(vm, 'label', text)
    expect(vm.label.name).toBe(name)
  })

  it('of that very name comes before the index in a name', async () => {
    const vm = await system.create('StandaloneVM', 'work')
    await system.app.changes.make((unit) => system.app.labels.create(unit, 'label-3', '0x123456'))
    await setProperty(vm, 'label', 'label-3')
    expect(vm.label.color).toBe('0x123456')
    await setProperty(vm, 'label', 'label-4')
    expect(vm.label.name).toBe('green')
    await expect(setProperty(vm, 'label', 'label-99')).rejects.toThrow(QubesLabelNotFoundError)
  })

  it('that is gone leaves its domain as the least trusted, to be given another', async () => {
    const vm = await system.create('StandaloneVM', 'work')
    await system.create('StandaloneVM', 'fine')
    // As an earlier release has left it.
    await system.app.changes.make((unit) => unit.delete('properties', [vm.qid, 'label']))
    await system.reopen()
    const broken = system.app.domains.get('work') as QubesVM
    expect([broken.label.name, broken.icon]).toEqual(['red', 'standalonevm-red'])
    expect([broken.get(labelOfVM), broken.isDefault(labelOfVM)]).toEqual([undefined, true])
    expect(systemInfo(broken)).toMatchObject({ label: '0xcc0000', icon: 'standalonevm-red' })
    await setProperty(broken, 'label', 'blue')
    await system.reopen()
    expect(system.app.domains.get('work').label.name).toBe('blue')
  })
})

describe('a named disposable', () => {
  let template: QubesVM

  beforeEach(async () => {
    template = await system.create('AppVM', 'dvm', await system.create('TemplateVM', 'tmpl'))
    await setProperty(template, 'template_for_dispvms', 'True')
    await setProperty(template, 'memory', '444')
    await system.features(template, { f1: 'v1', 'preload-dispvm-delay': '5' })
    await system.app.changes.make((unit) => template.tags.add(unit, 't1'))
  })

  const create = (creator = 'dom0'): Promise<unknown> =>
    createDomain(system.app, 'DispVM', {
      name: 'disp',
      label: 'blue',
      template: 'dvm',
      creator: system.app.domains.get(creator),
    })
  const disp = (): DispVM => system.app.domains.get('disp') as DispVM

  it('has what is set in its template, but for the label', async () => {
    await create()
    expect(disp().get(memory)).toBe(444)
    expect(disp().features.names()).toEqual(['f1'])
    expect(disp().tags.list()).toEqual(['audiovm-dom0', 'created-by-dom0', 'guivm-dom0', 't1'])
    expect(disp().label.name).toBe('blue')
  })

  it('tells of no tag that it has from its template', async () => {
    expect(await system.told(create)).toEqual(['domain-add', 'disp domain-create-on-disk'])
  })

  it('tells who made it when the template was made by another', async () => {
    await system.create('StandaloneVM', 'maker')
    expect(await system.told(() => create('maker'))).toEqual([
      'domain-add',
      'disp domain-tag-add:created-by-maker',
      'disp domain-create-on-disk',
    ])
  })

  it('can be cloned, with a number of its own', async () => {
    await create()
    await setProperty(disp(), 'memory', '555')
    const options = { name: 'copy', pools: {}, creator: system.app.adminVM }
    const copy = (await cloneDomain(disp(), options)) as DispVM
    expect([copy.get(memory), copy.template?.name]).toEqual([555, 'dvm'])
    expect(copy.addressNumber).not.toEqual(disp().addressNumber)
  })

  it('passes for one without a number when a client sets that of another, which clients pass over', async () => {
    await create()
    await expect(setProperty(disp(), 'dispid', '5')).rejects.toMatchObject({ wireType: 'QubesNoSuchPropertyError' })
  })
})

it('removal tells those who watch that one domain', async () => {
  await system.create('StandaloneVM', 'work')
  const heard: string[] = []
  system.app.journal.onEvent(({ domain, name, afterRemoval }) => {
    heard.push(`${domain ?? ''} ${name}${afterRemoval ? ' (watchers only)' : ''}`)
  })
  await system.app.removeDomain(system.app.domains.get('work'))
  expect(heard).toEqual([' domain-pre-delete', ' domain-delete', 'work domain-remove-from-disk (watchers only)'])
})

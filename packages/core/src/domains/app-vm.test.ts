import { QubesPropertyValueError, QubesValueError, QubesVMNotHaltedError } from '@cloister/kit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { resetProperty, setProperty } from '../operations/properties.ts'
import { discrepancies } from '../testing/soundness.ts'
import { TestSystem } from '../testing/test-system.ts'
import { AppVM } from './app-vm.ts'
import type { DispVM } from './disp-vm.ts'
import type { QubesVM } from './qubes-vm.ts'

// 67 of reference storage-and-lifecycle, part D; B.5. What happens to preloaded disposables: `operations/preloads.test.ts`.

let system: TestSystem
let vm: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  vm = await system.create('AppVM', 'work', await system.create('TemplateVM', 'tmpl'))
  await system.create('TemplateVM', 'other')
  await setProperty(system.app.domains.get('other'), 'memory', '700')
})
afterEach(() => system[Symbol.asyncDispose]())

const change = (value: string, of = vm): Promise<void> => setProperty(of, 'template', value)
const source = (volume: string, of = vm): string | undefined => of.storage.get(volume).source?.vid

it('follows another template: the root is new, the private volume stays', async () => {
  const before = vm.storage.get('private')
  await change('other')
  expect(source('root')).toBe('vm-templates/other/root')
  expect(vm.storage.get('private')).toBe(before)
  expect(vm.get(vm.property('memory'))).toBe(700)
  expect(await discrepancies(system)).toEqual([])
  await system.reopen()
  const again = system.app.domains.get('work') as QubesVM
  expect(source('root', again)).toBe('vm-templates/other/root')
  await again.lifeCycle.start()
})

it('does so only while it is halted', async () => {
  await vm.lifeCycle.start()
  await expect(change('other')).rejects.toThrow(QubesVMNotHaltedError)
  await vm.lifeCycle.pause()
  await expect(change('other')).rejects.toThrow(QubesVMNotHaltedError)
  expect(source('root')).toBe('vm-templates/tmpl/root')
  await vm.lifeCycle.kill()
  await change('other')
})

it('waits until its end is handled', async () => {
  await vm.lifeCycle.start()
  const gate = Promise.withResolvers<void>()
  system.app.events.onLife(AppVM, 'domain-stopped', () => gate.promise)
  system.driver.powerOffDomain(vm.uuid)
  const changed = change('other')
  await new Promise(setImmediate)
  expect(source('root')).toBe('vm-templates/tmpl/root')
  gate.resolve()
  await changed
  expect(await discrepancies(system)).toEqual([])
})

it('has a template, always, and a TemplateVM', async () => {
  await expect(change('')).rejects.toThrow(QubesPropertyValueError)
  await expect(change('work')).rejects.toThrow(QubesPropertyValueError)
  await expect(change('missing')).rejects.toThrow(QubesPropertyValueError)
  await expect(resetProperty(vm, 'template')).rejects.toThrow(QubesValueError)
  await setProperty(system.app.global, 'default_template', 'other')
  await expect(resetProperty(vm, 'template')).rejects.toThrow(/default, other/)
  expect(source('root')).toBe('vm-templates/tmpl/root')
})

it('takes the disposables that are based on it along', async () => {
  await setProperty(vm, 'template_for_dispvms', 'True')
  const disposable = await system.create<DispVM>('DispVM', 'disp', vm)
  await disposable.lifeCycle.start()
  await expect(change('other')).rejects.toThrow(/its disposable disp runs/)
  await disposable.lifeCycle.kill()
  await change('other')
  expect(source('root', disposable)).toBe('vm-templates/other/root')
  expect(source('private', disposable)).toBe('appvms/work/private')
  await disposable.lifeCycle.start()
  expect(await discrepancies(system)).toEqual([])
})

it('starts without its template being started, and from what that had when it last stopped', async () => {
  const template = system.app.domains.get('tmpl') as QubesVM
  await template.lifeCycle.start()
  await vm.lifeCycle.start()
  expect(await vm.storage.outdated()).toEqual([])
  await template.lifeCycle.kill()
  expect((await vm.storage.outdated()).map(({ name }) => name)).toEqual(['root'])
  await vm.lifeCycle.kill()
  expect(await vm.storage.outdated()).toEqual([])
})

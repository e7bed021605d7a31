import { QubesVMInUseError, QubesVMNotFoundError, QubesVMNotHaltedError } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { SystemObject } from '../domains/system-object.ts'
import { resetProperty, setProperty } from '../operations/properties.ts'
import { discrepancies } from '../testing/soundness.ts'
import { TestSystem } from '../testing/test-system.ts'

// 66 of reference storage-and-lifecycle, part D; B.5.

let system: TestSystem
let vm: QubesVM
let other: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  const template = await system.create('TemplateVM', 'tmpl')
  vm = await system.create('AppVM', 'work', template)
  other = await system.create('AppVM', 'other', template)
})
afterEach(() => system[Symbol.asyncDispose]())

const remove = (): Promise<void> => system.app.removeDomain(vm)
const set = (name: string, value: string, holder = other): Promise<void> => setProperty(holder, name, value)

describe('a domain is not removed', () => {
  it.each(['Running', 'Paused'])('while it is %s', async (state) => {
    await vm.lifeCycle.start()
    if (state === 'Paused') await vm.lifeCycle.pause()
    expect(vm.powerState).toBe(state)
    await expect(remove()).rejects.toThrow(QubesVMNotHaltedError)
    expect(await discrepancies(system)).toEqual([])
  })

  it('while it is started: it runs', async () => {
    const held = system.driver.holdNext('domainCreate')
    const start = vm.lifeCycle.start()
    await held.reached
    const removal = expect(remove()).rejects.toThrow(QubesVMNotHaltedError)
    held.release()
    await Promise.all([start, removal])
    expect(vm.powerState).toBe('Running')
  })

  const uses: readonly [string, () => Promise<unknown>][] = [
    ['netvm', () => set('provides_network', 'True', vm).then(() => set('netvm', 'work'))],
    ['default_dispvm', () => set('template_for_dispvms', 'True', vm).then(() => set('default_dispvm', 'work'))],
    ['management_dispvm', () => set('template_for_dispvms', 'True', vm).then(() => set('management_dispvm', 'work'))],
    ['guivm', () => set('guivm', 'work')],
    ['template', () => set('template_for_dispvms', 'True', vm).then(() => system.create('DispVM', 'disp', vm))],
  ]
  it.each(uses)('while it is the %s of another', async (property, use) => {
    await use()
    await expect(remove()).rejects.toThrow(QubesVMInUseError)
    await expect(remove()).rejects.toThrow(`work is the ${property} of`)
    expect(system.app.domains.find('work')).toBe(vm)
    expect(await discrepancies(system)).toEqual([])
  })

  it.each(['default_netvm', 'clockvm', 'updatevm', 'default_guivm', 'default_dispvm'])(
    'while it is the %s of the system',
    async (property) => {
      await set('netvm', '', vm)
      await set('provides_network', 'True', vm)
      await set('template_for_dispvms', 'True', vm)
      await setProperty(system.app.global, property, 'work')
      await expect(remove()).rejects.toThrow(QubesVMInUseError)
      await resetProperty(system.app.global, property)
      await remove()
    },
  )

  it('when it belongs to a package', async () => {
    await set('installed_by_rpm', 'True', vm)
    await expect(remove()).rejects.toThrow(QubesVMInUseError)
  })

  it('when it is the host itself', async () => {
    await expect(system.app.removeDomain(system.app.adminVM)).rejects.toThrow(QubesVMInUseError)
  })

  it('when a handler vetoes it', async () => {
    system.app.events.on(SystemObject, 'domain-pre-delete', () => {
      throw new QubesVMInUseError('kept')
    })
    await expect(remove()).rejects.toThrow('kept')
    expect(await discrepancies(system)).toEqual([])
  })
})

describe('a domain that is removed', () => {
  it('leaves nothing: no files, no rows, nothing at the hypervisor, no references', async () => {
    await vm.lifeCycle.start()
    await vm.lifeCycle.kill()
    await set('guivm', 'other', vm)
    await system.features(vm, { x: '1' })
    await system.app.changes.make((unit) => vm.setNotes(unit, 'note'))
    await expect(system.app.removeDomain(other)).rejects.toThrow(/guivm of work/)
    const events = await system.told(remove)
    expect(events).toEqual(['domain-pre-delete', 'domain-delete'])
    expect(await system.driver.connectListAllDomains()).toEqual([])
    expect((await system.files()).filter((path) => path.includes('work'))).toEqual([])
    expect(await discrepancies(system)).toEqual([])
    await system.app.removeDomain(other)
    await expect(remove()).rejects.toThrow(QubesVMNotFoundError)
    await expect(vm.lifeCycle.start()).rejects.toThrow(QubesVMNotFoundError)
  })

  it('is removed once, also by concurrent calls', async () => {
    const all = await Promise.allSettled([remove(), remove(), remove()])
    expect(all.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(await discrepancies(system)).toEqual([])
  })

  it('does not share its files with a new one of its name', async () => {
    const all = await Promise.allSettled([remove(), system.create('AppVM', 'work', system.app.domains.get('tmpl'))])
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    await system.create('AppVM', 'work', system.app.domains.get('tmpl'))
    expect(await discrepancies(system)).toEqual([])
  })

  it('is gone although its volumes cannot be stopped', async () => {
    await vm.lifeCycle.start()
    system.faults.failNext('rename', 'EIO', /work\/private-dirty\.img$/)
    await vm.lifeCycle.kill()
    expect(await system.intents()).toEqual(['run work'])
    system.faults.failNext('rename', 'EIO', /work\/private-dirty\.img$/)
    await remove()
    expect(await discrepancies(system)).toEqual([])
  })
})

import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { formatFirewallRule, parseFirewallRule } from '@cloister/admin-protocol'
import { QubesException } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { autoCleanup, type DispVM, dispid } from '../domains/disp-vm.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { createDomain } from '../operations/create-domain.ts'
import { setProperty } from '../operations/properties.ts'
import { discrepancies } from '../testing/soundness.ts'
import { TestSystem } from '../testing/test-system.ts'

// Reference: storage-and-lifecycle, B.6.1 to B.6.4; the numbers are those of part D.

let system: TestSystem
let template: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  template = await system.create('AppVM', 'work', await system.create('TemplateVM', 'tmpl'))
  await setProperty(template, 'template_for_dispvms', 'True')
})
afterEach(() => system[Symbol.asyncDispose]())

const disposable = (): Promise<DispVM> => system.app.disposables.create(template, system.app.adminVM)
const known = (vm: DispVM): boolean => system.app.domains.find(vm.name) === vm

/** What stands at the beginning of a volume that a guest uses. */
async function touch(vm: QubesVM, volume: string, text?: string): Promise<string> {
  const file = await open(join(system.folder, `${vm.storage.get(volume).vid}-dirty.img`), 'r+')
  try {
    if (text !== undefined) await file.write(text, 0)
    const { buffer } = await file.read(Buffer.alloc(7), 0, 7, 0)
    return buffer.toString().replaceAll('\0', '')
  } finally {
    await file.close()
  }
}

describe('72: a disposable', () => {
  it('loses what its guest wrote; a named disposable survives its stop', async () => {
    const vm = await system.create<DispVM>('DispVM', 'named', template)
    expect(vm.get(autoCleanup)).toBe(false)
    await vm.lifeCycle.start()
    expect(await touch(vm, 'volatile', 'secret')).toBe('secret')
    const files = await system.files()
    expect(files.filter((path) => path.startsWith('appvms/named/'))).toEqual(
      ['private', 'root']
        .flatMap((volume) => [`appvms/named/${volume}-dirty.qcow2`, `appvms/named/${volume}.img`])
        .concat('appvms/named/volatile-dirty.img')
        .sort(),
    )
    await vm.lifeCycle.kill()
    expect(known(vm)).toBe(true)
    expect((await system.files()).filter((path) => path.startsWith('appvms/named'))).toEqual([])
    await vm.lifeCycle.start()
    expect(await touch(vm, 'volatile')).toBe('')
  })

  it('with auto_cleanup is removed with all its files when it stops', async () => {
    const vm = await disposable()
    expect(vm.powerState).toBe('Halted')
    await vm.lifeCycle.start()
    const events = await system.told(() => vm.lifeCycle.kill())
    expect(events.slice(-4)).toEqual([
      `${vm.name} property-reset:start_time`,
      `${vm.name} domain-shutdown`,
      'domain-pre-delete',
      'domain-delete',
    ])
    expect(known(vm)).toBe(false)
    expect(await discrepancies(system)).toEqual([])
    await expect(vm.lifeCycle.start()).rejects.toThrow(/no domain/)
  })

  it('that cannot start is removed too', async () => {
    const vm = await disposable()
    system.failAt('domain-spawn')
    await expect(vm.lifeCycle.start()).rejects.toThrow(/domain-spawn fails/)
    expect(known(vm)).toBe(false)
    const other = await disposable()
    await system.features(other, { 'prohibit-start': 'no' })
    await expect(other.lifeCycle.start()).rejects.toThrow(/no/)
    expect(known(other)).toBe(false)
    expect(await discrepancies(system)).toEqual([])
  })

  it('that cannot start and has a name stays', async () => {
    const vm = await system.create<DispVM>('DispVM', 'named', template)
    system.failAt('domain-spawn')
    await expect(vm.lifeCycle.start()).rejects.toThrow(/domain-spawn fails/)
    expect(known(vm)).toBe(true)
  })

  it('does not start when its template is no template for disposables any more', async () => {
    const vm = await system.create<DispVM>('DispVM', 'named', template)
    await expect(setProperty(template, 'template_for_dispvms', 'False')).rejects.toThrow(/template of named/)
    // Past the checks, as only damage can.
    await system.app.changes.make((unit) => template.assign(unit, { name: 'template_for_dispvms' }, false))
    await expect(vm.lifeCycle.start()).rejects.toThrow(/template_for_dispvms/)
    await expect(disposable()).rejects.toThrow(QubesException)
  })

  it('whose start fails reports the error of the start, even when its removal fails too', async () => {
    const vm = await disposable()
    system.driver.failNext('domainCreate', new Error('no machine'))
    system.faults.failNext('commit', 'ENOSPC', /"remove"/)
    await expect(vm.lifeCycle.start()).rejects.toThrow(/no machine/)
    expect(known(vm)).toBe(true)
  })

  it('is cleaned up once, in any state', async () => {
    const [halted, running] = [await disposable(), await disposable()]
    await running.lifeCycle.start()
    const events = await system.told(() =>
      Promise.all([halted, running, running, halted].map((vm) => system.app.disposables.cleanup(vm))),
    )
    expect(events.filter((event) => event === 'domain-delete')).toHaveLength(2)
    expect(await discrepancies(system)).toEqual([])
  })
})

describe('73: the number of a disposable', () => {
  const weekMs = 7 * 24 * 3600_000

  /** Has random numbers be so that these are picked, the last one again and again. */
  function nextNumbers(...numbers: readonly number[]): void {
    const real = system.random
    let at = 0
    system.random = (count) => {
      if (count !== 2) return real(count)
      const number = (numbers[Math.min(at++, numbers.length - 1)] ?? 0) - 1
      return Uint8Array.of(number >> 8, number & 255)
    }
  }

  it('is not reused for seven days, also after a restart of the daemon', async () => {
    nextNumbers(77)
    const first = await disposable()
    expect([first.name, first.get(dispid)]).toEqual(['disp77', 77])
    await first.lifeCycle.start()
    await first.lifeCycle.kill()
    nextNumbers(77, 77, 78)
    expect((await disposable()).name).toBe('disp78')
    system.clock.advance(weekMs - 1)
    await system.reopen()
    template = system.app.domains.get('work') as QubesVM
    nextNumbers(77, 79)
    expect((await disposable()).name).toBe('disp79')
    system.clock.advance(1)
    nextNumbers(77)
    expect((await disposable()).name).toBe('disp77')
  })

  it('is never given twice, not even to two concurrent calls', async () => {
    nextNumbers(5, 5, 6)
    const both = await Promise.all([disposable(), disposable()])
    expect(both.map(({ name }) => name).sort()).toEqual(['disp5', 'disp6'])
    await system.reopen()
    template = system.app.domains.get('work') as QubesVM
    nextNumbers(6, 5, 7)
    expect((await disposable()).name).toBe('disp7')
  })

  it('may run out', async () => {
    nextNumbers(5)
    await disposable()
    await expect(disposable()).rejects.toThrow(/No number is free/)
  })

  it('is skipped when another domain has the name', async () => {
    await system.create('StandaloneVM', 'disp5')
    nextNumbers(5, 6)
    expect((await disposable()).name).toBe('disp6')
  })

  it('is free again when the creation of the disposable fails', async () => {
    nextNumbers(5)
    system.faults.failNext('commit', 'ENOSPC')
    await expect(disposable()).rejects.toThrow(/ENOSPC/)
    system.faults.failNext('commit', 'ENOSPC')
    const named = { name: 'named', label: 'red', template: 'work', creator: system.app.adminVM }
    await expect(createDomain(system.app, 'DispVM', named)).rejects.toThrow(/ENOSPC/)
    expect((await disposable()).name).toBe('disp5')
  })

  it('is never 0, which would be the address of a network', async () => {
    nextNumbers(1)
    const vm = await disposable()
    expect(vm.get(vm.property('ip'))).toBe(null)
    nextNumbers(9999)
    expect((await disposable()).name).toBe('disp9999')
    nextNumbers(10_000)
    await expect(disposable()).rejects.toThrow(/No number is free/)
  })
})

it('74: a disposable gets the explicit values of its template, not the defaults', async () => {
  const { app } = system
  await setProperty(template, 'memory', '300')
  await setProperty(template, 'label', 'blue')
  await setProperty(template, 'autostart', 'True')
  await system.features(template, { 'service.x': '1', 'internal-note': '', 'preload-dispvm-delay': '5' })
  await app.changes.make((unit) => {
    template.tags.add(unit, 'mine')
    template.firewall.set(unit, [parseFirewallRule('action=drop')])
    template.setNotes(unit, 'private')
  })
  const vm = await disposable()
  const explicit = [...vm.explicitTexts()].map(([name]) => name)
  expect(explicit).toEqual(expect.arrayContaining(['memory', 'label', 'autostart', 'template', 'auto_cleanup']))
  expect(explicit).not.toContain('template_for_dispvms')
  expect(explicit).not.toContain('vcpus')
  expect([vm.get(vm.property('memory')), vm.label.name, vm.template?.name]).toEqual([300, 'blue', 'work'])
  expect(vm.features.names()).toEqual(['service.x', 'internal-note'])
  expect(vm.tags.list()).toEqual(expect.arrayContaining(['mine', 'created-by-dom0', 'disp-created-by-dom0']))
  expect(vm.firewall.rules().map(formatFirewallRule)).toEqual(['action=drop'])
  expect(vm.notes).toBe('')
  // It has them for itself.
  await setProperty(template, 'memory', '500')
  expect(vm.get(vm.property('memory'))).toBe(300)
  expect(vm.storage.get('private').source?.vid).toBe('appvms/work/private')
  expect(vm.storage.get('root').source?.vid).toBe('vm-templates/tmpl/root')
})

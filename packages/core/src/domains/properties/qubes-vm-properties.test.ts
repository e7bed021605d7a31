import { QubesPropertyValueError, QubesVMNotHaltedError } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { setProperty } from '../../operations/properties.ts'
import { TestSystem } from '../../testing/test-system.ts'
import type { QubesVM } from '../qubes-vm.ts'
import { kernelopts } from './kernel-properties.ts'
import { maxmem, memory } from './qubes-vm-properties.ts'

let system: TestSystem
let vm: QubesVM

// The host has 32 GiB.
beforeEach(async () => {
  system = await TestSystem.open()
  vm = await system.create('StandaloneVM', 'work')
})
afterEach(() => system[Symbol.asyncDispose]())

const set = (name: string, text: string): Promise<void> => setProperty(vm, name, text)

describe('maxmem', () => {
  it.each([
    ['ten times the memory of Linux', { os: 'Linux' }, 'pvh', 400, 4000],
    ['half of what the host has, at most', { os: 'Linux' }, 'pvh', 2000, 16_384],
    ['a fixed amount for others', {}, 'pvh', 2000, 4000],
    ['nothing for a guest with firmware that has no agent', { os: 'Linux' }, 'hvm', 400, 0],
    ['as much for one that has', { os: 'Linux', qrexec: '1' }, 'hvm', 400, 4000],
    ['nothing when it does not report', { qrexec: '1', 'supported-service.x': '1' }, 'hvm', 400, 0],
    ['as much when it does', { qrexec: '1', 'supported-service.meminfo-writer': '1' }, 'hvm', 400, 4000],
  ])('is %s', async (_case, features, mode, start, most) => {
    await system.features(vm, features)
    await set('virt_mode', mode)
    await set('memory', String(start))
    expect(vm.get(maxmem)).toBe(most)
  })

  it('is the value of the template', async () => {
    const template = await system.create('TemplateVM', 'debian')
    const app = await system.create('AppVM', 'app', template)
    await setProperty(template, 'maxmem', '1234')
    expect([app.get(maxmem), app.get(memory)]).toEqual([1234, 400])
  })

  it('can be changed while the domain runs only if memory can be plugged in', async () => {
    await vm.lifeCycle.start()
    await expect(set('maxmem', '500')).rejects.toThrow(QubesVMNotHaltedError)
    await system.features(vm, { 'memory-hotplug': '1' })
    await set('maxmem', '500')
    expect(vm.get(maxmem)).toBe(500)
  })
})

describe('kernelopts', () => {
  it('has at most 512 characters', async () => {
    await set('kernelopts', 'x'.repeat(512))
    await expect(set('kernelopts', 'x'.repeat(513))).rejects.toThrow(QubesPropertyValueError)
    expect(vm.get(kernelopts)).toHaveLength(512)
  })
})

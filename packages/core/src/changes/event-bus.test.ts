import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BaseVM } from '../domains/base-vm.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { TestSystem } from '../testing/test-system.ts'

let system: TestSystem

beforeEach(async () => {
  system = await TestSystem.open()
})

afterEach(() => system[Symbol.asyncDispose]())

describe('handlers of an event', () => {
  it('run from the base class down, for a pre event from the derived class up; one that is added later runs too', async () => {
    const vm = await system.create('StandaloneVM', 'work')
    const { events } = system.app
    const ran: string[] = []
    events.on(QubesVM, 'domain-feature-set', () => ran.push('derived'))
    events.on(BaseVM, 'domain-feature-set', () => ran.push('base'))
    events.on(QubesVM, 'domain-feature-pre-set', () => ran.push('derived pre'))
    events.on(BaseVM, 'domain-feature-pre-set', () => ran.push('base pre'))
    await system.features(vm, { f: '1' })
    expect(ran).toEqual(['derived pre', 'base pre', 'base', 'derived'])
    events.on(BaseVM, 'domain-feature-set', () => ran.push('of g'), 'g')
    ran.length = 0
    await system.features(vm, { f: '2' })
    expect(ran).toEqual(['derived pre', 'base pre', 'base', 'derived'])
    ran.length = 0
    await system.features(vm, { g: '1' })
    expect(ran).toEqual(['derived pre', 'base pre', 'base', 'of g', 'derived'])
  })

  it('of a class are not those of another', async () => {
    const vm = await system.create('StandaloneVM', 'work')
    const ran: string[] = []
    system.app.events.on(QubesVM, 'domain-feature-set', (subject) => ran.push(subject.name))
    await system.features(system.app.adminVM, { f: '1' })
    await system.features(vm, { f: '1' })
    expect(ran).toEqual(['work'])
  })
})

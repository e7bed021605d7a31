import { QubesVMError } from '@cloister/kit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { TestSystem } from '../testing/test-system.ts'

let system: TestSystem
let vm: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  vm = await system.create('StandaloneVM', 'work')
  await vm.lifeCycle.start()
})
afterEach(() => system[Symbol.asyncDispose]())

const never = new AbortController().signal

it('waits for the agent of a guest', async () => {
  const ready = system.app.agents.ready(vm, 1000, never)
  system.app.agents.note(vm, true)
  await ready
  await system.app.agents.connected(vm, 0)
})

it('does not wait for ever', async () => {
  const ready = system.app.agents.ready(vm, 1000, never)
  system.clock.advance(1000)
  await expect(ready).rejects.toThrow(QubesVMError)
})

it('does not wait for a guest that ends', async () => {
  const ready = system.app.agents.ready(vm, 1000, never)
  await Promise.all([expect(ready).rejects.toThrow(/stopped/), vm.lifeCycle.kill()])
})

it.each(['before', 'while'])('does not wait when it is called off %s it waits', async (when) => {
  const off = new AbortController()
  if (when === 'before') off.abort()
  const ready = system.app.agents.ready(vm, 1000, off.signal)
  off.abort()
  await ready
})

it('forgets an agent that is gone', async () => {
  system.app.agents.note(vm, true)
  system.app.agents.note(vm, false)
  const ready = system.app.agents.ready(vm, 1000, never)
  system.clock.advance(1000)
  await expect(ready).rejects.toThrow(QubesVMError)
})

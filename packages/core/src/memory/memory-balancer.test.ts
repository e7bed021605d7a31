import { QubesMemoryError } from '@cloister/kit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { maxmem, memory } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { TestSystem } from '../testing/test-system.ts'
import { mib } from './balance.ts'

/** Memory of the host for guests and its own reserve, KiB. */
const reserve = Math.ceil((0.05 * 32 * 2 ** 30) / 1024)

let system: TestSystem
let domains: QubesVM[]

beforeEach(async () => {
  system = await TestSystem.open()
  domains = []
})
afterEach(() => system[Symbol.asyncDispose]())

/** What guests have, MiB. */
async function shares(): Promise<number[]> {
  return Promise.all(domains.map(async (vm) => Math.round(((await vm.run?.domain.getInfo())?.memory ?? 0) / mib)))
}

/** A host with this memory for guests, MiB; each guest occupies all memory that it has. */
function hostWith(total: number): void {
  system.hostAvailable = async () => reserve + (total - sum(await shares())) * mib
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

/** A domain that will be started with `start` MiB. */
async function domain(start: number, most = 4000): Promise<QubesVM> {
  const vm = await system.create('StandaloneVM', `vm${domains.length}`)
  domains.push(vm)
  await system.app.changes.make((unit) => {
    vm.set(unit, memory, start)
    vm.set(unit, maxmem, most)
  })
  return vm
}

/** A running domain that was started with `start` MiB. */
async function guest(start: number, most?: number): Promise<QubesVM> {
  const vm = await domain(start, most)
  await vm.lifeCycle.start()
  return vm
}

/** The guest reports from now on that it uses this memory, MiB. */
function reports(vm: QubesVM, used: number): void {
  const lastUpdate = Math.floor(system.clock.now() / 1000)
  system.driver.reportMemory(vm.uuid, { available: 8000 * mib, usable: (8000 - used) * mib, lastUpdate })
}

/** Lets time pass in which guests could be balanced, and all that it sets off. */
async function pass(seconds: number): Promise<void> {
  for (let at = 0; at < seconds * 10; at++) {
    system.clock.advance(100)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  }
}

it('refuses a start that there is no memory for, and leaves nothing of it', async () => {
  hostWith(700)
  const first = await guest(400)
  const second = await domain(400)
  await expect(second.lifeCycle.start()).rejects.toThrow(QubesMemoryError)
  expect(second.powerState).toBe('Halted')
  await first.lifeCycle.kill()
  await second.lifeCycle.start()
  expect(second.powerState).toBe('Running')
})

it('counts starts under way, so that two cannot have the same memory', async () => {
  hostWith(1000)
  const all = [await domain(400), await domain(400), await domain(400)]
  const starts = await Promise.allSettled(all.map((vm) => vm.lifeCycle.start()))
  expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
})

it('shares the memory of the host by what guests say', async () => {
  hostWith(4000)
  const [small, large] = [await guest(400, 8000), await guest(400, 8000)]
  reports(small, 100)
  reports(large, 1000)
  // 200 and 1300 are preferred, in proportion 4000 are shared.
  await system.advanceUntil(async () => (await shares())[1] === 3463, 100)
  expect(await shares()).toEqual([533, 3463])
  reports(small, 1000)
  await system.advanceUntil(async () => (await shares())[0] === 1998, 100)
  expect(sum(await shares())).toBeLessThanOrEqual(4000)
})

it('takes memory from others for a start, as far as they can do without', async () => {
  hostWith(2000)
  const first = await guest(400)
  reports(first, 300)
  await system.advanceUntil(async () => sum(await shares()) > 1900, 100)
  // There is enough for one of them.
  const others = [await domain(900), await domain(900)]
  let done = false
  const starts = Promise.allSettled(others.map((vm) => vm.lifeCycle.start())).finally(() => {
    done = true
  })
  await system.advanceUntil(() => done, 100)
  expect((await starts).map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  const [had = 0] = await shares()
  expect(had).toBeGreaterThanOrEqual(390)
  expect(had).toBeLessThan(1100)
})

it('moves nothing while a start holds its memory', async () => {
  hostWith(4000)
  const first = await guest(400)
  const second = await domain(400)
  const held = system.driver.holdNext('domainCreate')
  const starting = second.lifeCycle.start()
  await held.reached
  reports(first, 1000)
  await pass(10)
  expect(await shares()).toEqual([400, 400])
  held.release()
  await starting
  await system.advanceUntil(async () => (await shares())[0] !== 400, 100)
})

it.each([
  ['says nothing', undefined],
  ['says what cannot be', { available: 18446744073709552000, usable: 18446744073709552000 }],
])('never touches a guest that %s', async (_case, report) => {
  hostWith(4000)
  const [silent, other] = [await guest(400), await guest(400)]
  if (report) system.driver.reportMemory(silent.uuid, { ...report, lastUpdate: system.clock.now() / 1000 })
  reports(other, 1000)
  await system.advanceUntil(async () => Number((await shares())[1]) > 3500, 100)
  expect((await shares())[0]).toBe(400)
})

it('does not count on a guest whose balloon does not move', async () => {
  hostWith(3000)
  const [stubborn, willing] = [await guest(1200), await guest(1200)]
  system.driver.ignoreBalloon(stubborn.uuid)
  for (const vm of [stubborn, willing]) reports(vm, 100)
  const [third, fourth] = [await domain(800), await domain(800)]
  const starting = third.lifeCycle.start()
  await system.advanceUntil(() => third.powerState === 'Running', 100)
  await starting
  expect((await shares()).slice(0, 2)).toEqual([1200, 932])
  let refused = false
  const failing = fourth.lifeCycle.start().catch(() => (refused = true))
  await system.advanceUntil(() => refused, 100)
  await failing
})

it('costs nothing while no guest can be balanced', async () => {
  let looks = 0
  const fixed = await guest(400, 0)
  const vm = await guest(400)
  reports(vm, 100)
  await vm.lifeCycle.pause()
  await pass(3)
  system.hostAvailable = () => ++looks
  await pass(20)
  expect(looks).toBe(0)
  expect(fixed.powerState).toBe('Running')
  await vm.lifeCycle.unpause()
  await system.advanceUntil(() => looks > 0, 100)
})

it('shrinks a guest to what it prefers, and then lets it be', async () => {
  const vm = await guest(1000)
  reports(vm, 300)
  let done = false
  const shrinking = system.app.memory.shrink(vm, new AbortController().signal).then(() => {
    done = true
  })
  await system.advanceUntil(() => done, 100)
  await shrinking
  expect(await shares()).toEqual([390])
})

it('gives up shrinking a guest that does not yield, or is wanted', async () => {
  const vm = await guest(1000)
  system.driver.ignoreBalloon(vm.uuid)
  reports(vm, 300)
  const wanted = new AbortController()
  let done = 0
  const shrinking = [new AbortController().signal, wanted.signal].map((signal) =>
    system.app.memory.shrink(vm, signal).then(() => done++),
  )
  wanted.abort()
  await system.advanceUntil(() => done === 2, 100)
  await Promise.all(shrinking)
})

it('tells what new guests could have', async () => {
  hostWith(4000)
  expect(await system.app.memory.available()).toBe(4000 * mib)
  const [vm] = [await guest(1000), await guest(400)]
  reports(vm, 300)
  system.clock.advance(1001)
  expect(await system.app.memory.available()).toBe((4000 - 1400 + 610) * mib)
})

it('leaves out a guest for which the hypervisor does not answer, and counts what that guest has', async () => {
  hostWith(3000)
  const [stuck, willing] = [await guest(1000), await guest(1000)]
  for (const vm of [stuck, willing]) reports(vm, 300)
  await system.app.memory.available()
  system.clock.advance(1001)
  // Only this question is not answered: until it is, no other one is asked.
  const held = system.driver.holdNext('domainMemoryStats')
  const third = await domain(1400)
  const starting = third.lifeCycle.start()
  await held.reached
  await system.advanceUntil(() => third.powerState === 'Running', 100)
  await starting
  expect((await shares())[0]).toBe(1000)
  expect((await shares())[1]).toBeLessThan(700)
  held.release()
  await system.advanceUntil(async () => (await shares())[0] !== 1000, 100)
})

it('decides on a start while the hypervisor does not answer to a change of memory', async () => {
  hostWith(2000)
  const [stuck] = [await guest(1000), await guest(400)]
  for (const vm of domains) reports(vm, 200)
  const held = system.driver.holdNext('domainSetMemory')
  const third = await domain(1000)
  const starting = third.lifeCycle.start().catch((error: unknown) => error)
  await held.reached
  let done = false
  void starting.then(() => (done = true))
  await system.advanceUntil(() => done, 100)
  expect(await starting).toBeInstanceOf(QubesMemoryError)
  held.release()
  reports(stuck, 200)
  await system.advanceUntil(async () => {
    await third.lifeCycle.start().catch(() => {})
    return third.powerState === 'Running'
  }, 100)
})

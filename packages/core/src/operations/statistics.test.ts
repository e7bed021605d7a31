import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { BaseVM } from '../domains/base-vm.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { TestSystem } from '../testing/test-system.ts'
import { Statistics } from './statistics.ts'

let system: TestSystem
let work: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  work = await system.create('StandaloneVM', 'work')
  await work.lifeCycle.start()
})

afterEach(async () => {
  vi.restoreAllMocks()
  await system[Symbol.asyncDispose]()
})

/** Listens until `end` is called; `seen` are the names of the domains that were reported. */
function listen(statistics: Statistics): { readonly seen: string[]; readonly end: () => Promise<void> } {
  const gone = new AbortController()
  const seen: string[] = []
  const watching = statistics.watch(gone.signal, (vm: BaseVM) => seen.push(vm.name))
  return {
    seen,
    end: () => {
      gone.abort()
      return watching
    },
  }
}

function runOf(vm: QubesVM): NonNullable<QubesVM['run']> {
  if (!vm.run) throw new Error(`${vm.name} does not run`)
  return vm.run
}

it('measures once a round for all listeners, and only while there are any', async () => {
  const read = vi.spyOn(system.app.os.files, 'read')
  const rounds = (): number => read.mock.calls.filter(([path]) => path === '/proc/stat').length
  const statistics = new Statistics(system.app)
  const first = listen(statistics)
  await expect.poll(() => first.seen).toEqual(['dom0', 'work'])
  const second = listen(statistics)
  system.clock.advance(3_000)
  await expect.poll(() => second.seen).toEqual(['dom0', 'work'])
  expect(first.seen).toEqual(['dom0', 'work', 'dom0', 'work'])
  expect(rounds()).toBe(2)
  await first.end()
  await second.end()
  system.clock.advance(30_000)
  await new Promise((resolve) => setImmediate(resolve))
  expect(rounds()).toBe(2)
})

it('begins again when a listener comes after the last one has gone', async () => {
  const statistics = new Statistics(system.app)
  const first = listen(statistics)
  await expect.poll(() => first.seen).toHaveLength(2)
  await first.end()
  const second = listen(statistics)
  await expect.poll(() => second.seen).toHaveLength(2)
  await second.end()
})

it('leaves a domain out whose hypervisor fails, says so, and reports the others', async () => {
  vi.spyOn(runOf(work).domain, 'getInfo').mockRejectedValue(new Error('the monitor is silent'))
  const listener = listen(new Statistics(system.app))
  await expect.poll(() => listener.seen).toEqual(['dom0'])
  expect(system.logged.filter(({ message }) => message === 'what a domain uses could not be measured')).toMatchObject([
    { details: { domain: 'work', error: new Error('the monitor is silent') } },
  ])
  await listener.end()
})

it('does not wait for a hypervisor that does not answer', async () => {
  const asked = vi.spyOn(runOf(work).domain, 'getInfo').mockReturnValue(Promise.withResolvers<never>().promise)
  const listener = listen(new Statistics(system.app))
  await expect.poll(() => asked.mock.calls.length).toBe(1)
  system.clock.advance(2_000)
  await expect.poll(() => listener.seen).toEqual(['dom0'])
  await listener.end()
})

import { parseFirewallRule } from '@cloister/admin-protocol'
import { CloisterError } from '@cloister/kit'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { BaseVM } from '../domains/base-vm.ts'
import { resetProperty, setProperty } from '../operations/properties.ts'
import { StateWriteError } from '../state/state-write-error.ts'
import { indexed, namedObjects, portrait } from '../testing/portrait.ts'
import { discrepancies } from '../testing/soundness.ts'
import { TestSystem } from '../testing/test-system.ts'
import { cloneDomain } from './clone-domain.ts'
import { createDomain } from './create-domain.ts'
import { clearVolume, findVolume, resizeVolume, setVolumeRevisions, setVolumeRw } from './volumes/volume-operations.ts'

/** What can be changed, about a domain that `pick` chooses; refusals are part of it. */
type Change = (system: TestSystem, vm: BaseVM, pick: number) => Promise<unknown>

const choose = <T>(list: readonly T[], pick: number): T => list[pick % list.length] as T
const set =
  (name: string, values: readonly string[]): Change =>
  (_system, vm, pick) =>
    setProperty(vm, name, choose(values, pick))
const features = ['ipv6', 'service.x', 'servicevm']
const tags = ['a', 'b']

const changes: Readonly<Record<string, Change>> = {
  template: set('template', ['tmpl', 'other']),
  netvm: set('netvm', ['', 'net', 'work', 'client']),
  memory: set('memory', ['300', '500']),
  label: set('label', ['red', 'blue', 'mauve']),
  provides: set('provides_network', ['True', 'False']),
  guivm: set('guivm', ['work', 'dom0', '']),
  disposables: set('template_for_dispvms', ['True', 'False']),
  reset: (_system, vm, pick) => resetProperty(vm, choose(['netvm', 'memory', 'guivm', 'provides_network'], pick)),
  global: ({ app }, _vm, pick) => {
    const values = [
      ['default_netvm', 'net'],
      ['default_netvm', ''],
      ['clockvm', 'work'],
      ['default_template', 'tmpl'],
    ] as const
    const [name, value] = choose(values, pick)
    return setProperty(app.global, name, value)
  },
  resetGlobal: ({ app }, _vm, pick) => resetProperty(app.global, choose(['default_netvm', 'clockvm'], pick)),
  feature: ({ app }, vm, pick) =>
    app.changes.make((unit) => vm.features.set(unit, choose(features, pick), choose(['', '1', 'long'], pick))),
  removeFeature: ({ app }, vm, pick) => app.changes.make((unit) => vm.features.remove(unit, choose(features, pick))),
  tag: ({ app }, vm, pick) => app.changes.make((unit) => vm.tags.add(unit, choose([...tags, 'c'], pick))),
  removeTag: ({ app }, vm, pick) => app.changes.make((unit) => vm.tags.remove(unit, choose(tags, pick))),
  notes: ({ app }, vm, pick) => app.changes.make((unit) => vm.setNotes(unit, choose(['', 'one', 'two'], pick))),
  firewall: ({ app }, vm, pick) =>
    app.changes.make((unit) =>
      vm.firewall.set(unit, [parseFirewallRule(choose(['action=accept', 'action=drop'], pick))]),
    ),
  newLabel: ({ app }) => app.changes.make((unit) => app.labels.create(unit, 'pink', '0xffc0cb')),
  removeLabel: ({ app }) => app.changes.make((unit) => app.labels.remove(unit, 'mauve', app.references)),
  pool: ({ app }, _vm, pick) => app.pools.configure('varlibqubes', 'ephemeralVolatile', pick % 2 === 0),
  revisions: (_system, vm, pick) => setVolumeRevisions(findVolume(vm, 'private'), choose([-1, 0, 1], pick)),
  rw: (_system, vm, pick) => setVolumeRw(findVolume(vm, 'private'), pick % 2 === 0),
  resize: (_system, vm, pick) => resizeVolume(findVolume(vm, 'volatile'), choose([1n << 30n, 2n << 30n], pick)),
  clear: (_system, vm) => clearVolume(findVolume(vm, 'private')),
  create: ({ app }, vm, pick) =>
    createDomain(app, choose(['AppVM', 'StandaloneVM', 'RemoteVM'] as const, pick), {
      name: choose(['new', 'newer'], pick),
      label: 'red',
      creator: vm,
    }),
  clone: ({ app }, vm, pick) =>
    cloneDomain(vm, { name: choose(['new', 'newer'], pick), pools: {}, creator: app.adminVM }),
  disposable: ({ app }, vm) => app.disposables.create(vm, app.adminVM),
  remove: async ({ app }, _vm, pick) => {
    const name = choose(['new', 'newer', 'client'], pick)
    await app.removeDomain(app.domains.get(name))
  },
  start: async (_system, vm) => vm.lifeCycle?.start(),
  kill: async (_system, vm) => vm.lifeCycle?.kill(),
}

interface Step {
  readonly what: string
  readonly pick: number
  /** How many of its commits succeed before one fails. */
  readonly failsAfter: number | undefined
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(...Object.keys(changes)),
  pick: fc.nat({ max: 11 }),
  failsAfter: fc.option(fc.nat({ max: 2 }), { nil: undefined }),
})

async function prepared(): Promise<TestSystem> {
  const system = await TestSystem.open()
  const template = await system.create('TemplateVM', 'tmpl')
  await system.create('TemplateVM', 'other')
  for (const name of ['net', 'work', 'client']) await system.create('AppVM', name, template)
  await setProperty(system.app.global, 'default_template', 'tmpl')
  await setProperty(system.app.domains.get('net'), 'provides_network', 'True')
  const work = system.app.domains.get('work')
  await setProperty(work, 'template_for_dispvms', 'True')
  await system.app.changes.make((unit) => {
    for (const feature of features) work.features.set(unit, feature, '1')
    for (const tag of tags) work.tags.add(unit, tag)
    system.app.labels.create(unit, 'mauve', '0xe0b0ff')
  })
  return system
}

/** True for an event of something that was changed; those of work that failed on its way are told as they come. */
function isOfAChange(event: string): boolean {
  return !/ domain-(volume-import-begin|pre-start|verify-files|start-failed|.*spawn|qdb-create|.*paused|stopped|shutdown)|:(stubdom_xid|xid|start_time)/.test(
    event,
  )
}

/** Makes one change to a domain, of which a commit may fail. @returns whether it failed for that reason */
async function make(system: TestSystem, vm: BaseVM, { what, pick, failsAfter }: Step): Promise<boolean> {
  if (failsAfter !== undefined) system.faults.failNext('commit', 'ENOSPC', undefined, failsAfter)
  try {
    await changes[what]?.(system, vm, pick)
    return false
  } catch (error) {
    // Anything else is a refusal, but for defects.
    if (!(error instanceof CloisterError)) throw error
    return error instanceof StateWriteError
  } finally {
    system.faults.clear()
  }
}

/** As `make`; if it failed, nothing may have happened. */
async function makeOrNot(system: TestSystem, vm: BaseVM, one: Step): Promise<boolean> {
  const [before, told] = [portrait(system.app), system.events.length]
  const failed = await make(system, vm, one)
  if (failed) {
    expect(portrait(system.app)).toEqual(before)
    expect(system.events.slice(told).filter(isOfAChange)).toEqual([])
  }
  expect(indexed(system.app)).toEqual(namedObjects(system.app))
  return failed
}

it.each(Object.keys(changes).filter((what) => what !== 'kill'))(
  '%s is undone when it cannot be written down',
  async (what) => {
    await using system = await prepared()
    let failures = 0
    // The first time it fails, then it succeeds, so that the next one finds something.
    for (let pick = 0; pick < 12; pick++) {
      for (const failsAfter of [0, 1, undefined])
        if (await makeOrNot(system, system.app.domains.get('work'), { what, pick, failsAfter })) failures++
    }
    expect(failures).toBeGreaterThan(0)
  },
)

it('what could not be written down did not happen, and what happened was written down', async () => {
  const steps = fc.array(step, { minLength: 8, maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      await using system = await prepared()
      for (const one of all) {
        await makeOrNot(system, choose(system.app.domains.sorted(), one.pick), one)
      }
      // The next daemon removes halted disposables that are removed when they stop.
      await system.app.disposables.removeLeftovers()
      const last = portrait(system.app)
      await system.reopen()
      expect(portrait(system.app)).toEqual(last)
      expect(await discrepancies(system)).toEqual([])
    }),
    { numRuns: 15, endOnFailure: true },
  )
})

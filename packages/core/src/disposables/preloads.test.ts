import { QubesValueError } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AppVM } from '../domains/app-vm.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import { DispVM } from '../domains/disp-vm.ts'
import { preloadFeatures, preloadNames } from '../domains/preload-features.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { StandaloneVM } from '../domains/standalone-vm.ts'
import type { TemplateVM } from '../domains/template-vm.ts'
import { setProperty } from '../operations/properties.ts'
import { TestSystem } from '../testing/test-system.ts'

let system: TestSystem
/** Guests whose agent never connects. */
let silent: (vm: QubesVM) => boolean

beforeEach(async () => {
  system = await TestSystem.open()
  silent = () => false
  await prepare()
})
afterEach(() => system[Symbol.asyncDispose]())

/** A template whose guests can be preloaded, and a template of disposables that is based on it. */
async function prepare(): Promise<void> {
  answer()
  const fedora = await system.create('TemplateVM', 'fedora')
  await system.features(fedora, {
    qrexec: '1',
    'supported-rpc.qubes.WaitForRunningSystem': '1',
    'supported-rpc.qubes.WaitForSession': '1',
  })
  const work = await system.create('AppVM', 'work', fedora)
  await setProperty(work, 'template_for_dispvms', 'True')
  await setProperty(work, 'memory', '400')
}

/** Agents connect as soon as their guest runs. */
function answer(): void {
  system.app.events.onLife(QubesVM, 'domain-unpaused', (vm) => {
    if (!silent(vm)) vm.app.agents.note(vm, true)
  })
}

const fedora = (): TemplateVM => system.app.domains.get('fedora') as TemplateVM
const work = (): AppVM => system.app.domains.get('work') as AppVM
const members = (): DispVM[] => system.app.preloads.listed(work())
const disposables = (): DispVM[] => [...system.app.domains].filter((vm) => vm instanceof DispVM)
const request = (): Promise<DispVM> => system.app.preloads.request(work(), system.app.adminVM)
const isReady = (vm: DispVM): boolean => vm.features.find(preloadFeatures.completed) !== undefined

/** Has `count` disposables preloaded, and waits until they are ready. */
async function preload(count: number, owner: BaseVM = work()): Promise<DispVM[]> {
  await system.features(owner, { [preloadFeatures.max]: String(count) })
  await ready(count)
  return members()
}

async function ready(count: number): Promise<void> {
  const settled = (): boolean =>
    members().length === count &&
    members().every(isReady) &&
    disposables().filter((vm) => vm.isPreloaded).length === count
  await system.advanceUntil(settled, 100)
  // And all of that is written.
  await system.app.changes.settled()
}

async function gone(...vms: readonly DispVM[]): Promise<void> {
  await system.advanceUntil(() => vms.every((vm) => !vm.registered), 100)
}

describe('how many', () => {
  it('can only be wanted of guests that say when they are ready', async () => {
    const plain = await system.create('AppVM', 'plain', await system.create('TemplateVM', 'debian'))
    const set = (value: string): Promise<void> => system.features(plain, { [preloadFeatures.max]: value })
    await expect(set('1')).rejects.toThrow(QubesValueError)
    await set('0')
    await set('')
  })

  it('makes them, paused, hidden and on the list', async () => {
    const vms = await preload(2)
    expect(vms.map(({ powerState }) => powerState)).toEqual(['Paused', 'Paused'])
    for (const vm of vms) {
      expect(vm.features.find('internal')).toBe('1')
      expect(vm.get(vm.property('is_preload'))).toBe(true)
      expect(vm.tags.list().filter((tag) => tag.startsWith('disp-created-by'))).toEqual([])
    }
    expect(preloadNames(work())).toEqual(vms.map(({ name }) => name))
    expect(system.events).toContain('work domain-preload-dispvm-start reason=preload-dispvm-max was changed')
  })

  it('keeps the oldest when there are to be fewer, and none when there are to be none', async () => {
    const [first, second, third] = await preload(3)
    await preload(1)
    expect(members()).toEqual([first])
    await gone(...([second, third] as DispVM[]))
    await system.features(work(), { [preloadFeatures.max]: undefined })
    await gone(first as DispVM)
    expect(work().features.find(preloadFeatures.list)).toBeUndefined()
  })

  it('is said for the default by the admin domain, if that says anything', async () => {
    const dom0 = system.app.adminVM
    await preload(2)
    await setProperty(system.app.global, 'default_dispvm', 'work')
    await preload(1, dom0)
    await system.features(dom0, { [preloadFeatures.max]: '' })
    await ready(0)
    await system.features(dom0, { [preloadFeatures.max]: undefined })
    await ready(2)
    await system.features(dom0, { [preloadFeatures.max]: '3' })
    await ready(3)
    await setProperty(system.app.global, 'default_dispvm', '')
    await ready(2)
  })

  it('is limited by memory', async () => {
    // What the host keeps for itself, and 2150 MiB for guests, of which preloading leaves 900.
    const free = (): number => 0.05 * 32 * 1024 + 2150 - 400 * [...system.app.domains.running()].length
    system.hostAvailable = () => free() * 1024
    await system.features(system.app.adminVM, { [preloadFeatures.threshold]: '900' })
    await system.features(work(), { [preloadFeatures.max]: '9' })
    await ready(3)
    await system.app.preloads.autostartFor(work())
    expect(disposables()).toHaveLength(3)
  })

  it('ends what is under way when none are wanted any more', async () => {
    const held = system.driver.holdNext('domainCreate')
    await system.features(work(), { [preloadFeatures.max]: '1' })
    await held.reached
    const [vm] = members() as [DispVM]
    await system.features(work(), { [preloadFeatures.max]: '0' })
    await system.until(() => system.events.includes('work domain-feature-delete:preload-dispvm feature=preload-dispvm'))
    await system.app.changes.settled()
    held.release()
    await system.until(() => !vm.registered)
    expect(system.events).not.toContain(`${vm.name} domain-unpaused`)
  })
})

describe('a request', () => {
  it('takes one that is ready, at once, and it is replaced', async () => {
    const before = await preload(2)
    const vm = await request()
    expect(vm).toBe(before[0])
    expect(vm.powerState).toBe('Running')
    expect(vm.features.names().filter((name) => /preload|internal/.test(name))).toEqual([])
    expect(vm.tags.list()).toEqual(expect.arrayContaining(['created-by-dom0', 'disp-created-by-dom0']))
    expect(vm.isPreloaded).toBe(false)
    await ready(2)
    expect(members()).not.toContain(vm)
    expect(system.events).toContain(`work domain-preload-dispvm-used dispvm=${vm.name} delay=3`)
  })

  it('never gets what another gets', async () => {
    const before = await preload(3)
    const got = await Promise.all([request(), request(), request(), request()])
    expect(new Set(got).size).toBe(4)
    const running = got.filter(({ powerState }) => powerState === 'Running').map(({ name }) => name)
    expect(running.sort()).toEqual(before.map(({ name }) => name).sort())
    await ready(3)
  })

  it('gets a new one, not started, when none is there, and has one made for the next', async () => {
    const [only] = await preload(1)
    await only?.lifeCycle.kill()
    const vm = await request()
    expect(vm.powerState).toBe('Halted')
    await ready(1)
    expect(system.events).toContain('work domain-preload-dispvm-start reason=a request found no preloaded disposable')
  })

  it('waits for one that is not ready, which then does not rest', async () => {
    silent = () => true
    await system.features(work(), { [preloadFeatures.max]: '1' })
    await system.until(() => members()[0]?.powerState === 'Transient')
    const [vm] = members() as [DispVM]
    const requested = request()
    await system.until(() => !vm.isPreloaded)
    system.app.agents.note(vm, true)
    expect(await requested).toBe(vm)
    expect(vm.powerState).toBe('Running')
    expect(system.events).not.toContain(`${vm.name} domain-paused`)
  })

  it('gets a new one when the one under way fails', async () => {
    silent = () => true
    await system.features(work(), { [preloadFeatures.max]: '1' })
    await system.until(() => members()[0]?.powerState === 'Transient')
    const [slow] = members() as [DispVM]
    let vm: DispVM | undefined
    const requested = request().then((got) => {
      vm = got
    })
    await system.advanceUntil(() => vm !== undefined, 1000)
    await requested
    expect(vm).not.toBe(slow)
    expect(vm?.powerState).toBe('Halted')
    await gone(slow)
  })

  it('passes over outdated ones, which are removed a little later', async () => {
    const [old] = await preload(1)
    await setProperty(work(), 'vcpus', '3')
    const vm = await request()
    expect(vm).not.toBe(old)
    expect(old?.powerState).toBe('Paused')
    expect(old?.isPreloaded).toBe(false)
    await gone(old as DispVM)
    await ready(1)
    const [fresh] = members()
    expect(fresh?.get(fresh.property('vcpus'))).toBe(3)
  })

  it('has one replaced only when there is none left, if that is wanted', async () => {
    await system.features(work(), { [preloadFeatures.delay]: '-1' })
    await preload(2)
    await request()
    system.clock.advance(600_000)
    await system.app.changes.settled()
    expect(members()).toHaveLength(1)
    await request()
    await ready(2)
  })
})

describe('a change', () => {
  it('of a property is followed when there was time for others', async () => {
    const before = await preload(2)
    await setProperty(work(), 'vcpus', '3')
    system.clock.advance(29_000)
    await system.app.changes.settled()
    expect(members()).toEqual(before)
    system.clock.advance(1000)
    await gone(...before)
    await ready(2)
  })

  it('of nothing that matters changes nothing', async () => {
    const before = await preload(1)
    await setProperty(work(), 'autostart', 'True')
    await setProperty(work(), 'label', 'red')
    system.clock.advance(40_000)
    await system.app.changes.settled()
    expect(members()).toEqual(before)
  })

  it('of what the template holds is followed when it shuts down', async () => {
    const before = await preload(2)
    await fedora().lifeCycle.start()
    await fedora().lifeCycle.shutdown({ wait: true })
    await gone(...before)
    await ready(2)
    expect(system.events).toContain('work domain-preload-dispvm-start reason=fedora was shut down')
  })

  it('of the template is possible while disposables wait, and renews them', async () => {
    const before = await preload(2)
    const other = await system.create('TemplateVM', 'fedora-2')
    for (const name of fedora().features.names())
      await system.features(other, { [name]: fedora().features.find(name) ?? '' })
    await setProperty(work(), 'template', 'fedora-2')
    await gone(...before)
    await ready(2)
    expect(members()[0]?.storage.get('root').source?.vid).toBe('vm-templates/fedora-2/root')
  })

  it('that is refused leaves them alone', async () => {
    const before = await preload(1)
    await expect(setProperty(work(), 'template', 'work')).rejects.toThrow()
    expect(members()).toEqual(before)
    expect(before[0]?.powerState).toBe('Paused')
  })

  it('of what the template is good for removes them', async () => {
    const before = await preload(2)
    await setProperty(work(), 'template_for_dispvms', 'False')
    await gone(...before)
    expect(preloadNames(work())).toEqual([])
  })
})

describe('one that waits', () => {
  it('is used when somebody unpauses it without asking', async () => {
    const [vm] = (await preload(1)) as [DispVM]
    system.driver.externalResume(vm.uuid)
    await ready(1)
    expect(members()).not.toContain(vm)
    expect(vm.features.find('internal')).toBeUndefined()
    expect(vm.registered).toBe(true)
  })

  it('is gone when its guest ends', async () => {
    const [vm] = (await preload(1)) as [DispVM]
    system.driver.powerOffDomain(vm.uuid)
    await gone(vm)
    expect(preloadNames(work())).toEqual([])
  })

  it('can be shut down like any other', async () => {
    const [vm] = (await preload(1)) as [DispVM]
    await vm.lifeCycle.shutdown()
    await gone(vm)
  })

  it('does not keep its template, nor what it refers to, from being removed', async () => {
    const [vm] = (await preload(1)) as [DispVM]
    await system.app.removeDomain(work())
    expect(vm.registered).toBe(false)
    expect(disposables()).toEqual([])
    await system.app.removeDomain(fedora())
  })

  it('is not removed in vain', async () => {
    const before = await preload(1)
    await setProperty(system.app.global, 'default_dispvm', 'work')
    await expect(system.app.removeDomain(work())).rejects.toThrow(/default_dispvm/)
    expect(members()).toEqual(before)
  })
})

it('does not try again and again what fails', async () => {
  silent = () => true
  await system.features(work(), { [preloadFeatures.max]: '2' })
  await system.advanceUntil(
    () => system.logged.some(({ message }) => message === 'a disposable could not be preloaded'),
    1000,
  )
  await system.advanceUntil(() => disposables().length === 0, 1000)
  for (let minute = 0; minute < 10; minute++) {
    system.clock.advance(60_000)
    await system.app.changes.settled()
  }
  expect(disposables()).toEqual([])
  expect(system.events.filter((event) => event.includes('domain-pre-start'))).toHaveLength(2)
})

it('makes room for the sleep of the host, and begins anew afterwards', async () => {
  await preload(1)
  silent = () => true
  await system.features(work(), { [preloadFeatures.max]: '2' })
  await system.until(() => members()[1]?.powerState === 'Transient')
  await system.app.hostSleep.suspend()
  expect(disposables()).toEqual([])
  silent = () => false
  await system.app.hostSleep.resume()
  await ready(2)
})

it('works for a template that stands alone', async () => {
  const alone = await system.create<StandaloneVM>('StandaloneVM', 'alone')
  for (const name of fedora().features.names()) await system.features(alone, { [name]: '1' })
  await setProperty(alone, 'template_for_dispvms', 'True')
  await system.features(alone, { [preloadFeatures.max]: '1' })
  const waiting = (): DispVM[] => system.app.preloads.listed(alone).filter(isReady)
  await system.advanceUntil(() => waiting().length === 1, 100)
  const [before] = waiting() as [DispVM]
  await alone.lifeCycle.start()
  await alone.lifeCycle.kill()
  await gone(before)
  await system.advanceUntil(() => waiting().length === 1, 100)
})

it('is started by hand', async () => {
  await system.features(work(), { [preloadFeatures.max]: '1' })
  await ready(1)
  await members()[0]?.lifeCycle.kill()
  await system.app.preloads.autostartFor(work())
  expect(system.events).toContain('work domain-preload-dispvm-autostart')
  await ready(1)
})

describe('the end of the daemon', () => {
  it('leaves those that wait to the next one', async () => {
    const before = (await preload(2)).map(({ name }) => name)
    await system.reopen()
    expect(members().map(({ name }) => name)).toEqual(before)
    answer()
    const vm = await request()
    expect(vm.name).toBe(before[0])
    expect(vm.run?.state).toBe('running')
  })

  it('in the middle leaves nothing of those that were on their way', async () => {
    const [waiting] = (await preload(1)) as [DispVM]
    silent = () => true
    await system.features(work(), { [preloadFeatures.max]: '2' })
    await system.until(() => members()[1]?.powerState === 'Transient')
    await system.reopen()
    expect(disposables().map(({ name }) => name)).toEqual([waiting.name])
    expect(preloadNames(work())).toEqual([waiting.name])
    silent = () => false
    answer()
    system.app.preloads.autostart()
    await ready(2)
  })

  it('is followed by a look at who has ended meanwhile', async () => {
    const [first, second] = (await preload(2)) as [DispVM, DispVM]
    await system.kill()
    system.driver.powerOffDomain(first.uuid)
    await system.reopen()
    expect(members().map(({ name }) => name)).toEqual([second.name])
  })

  it('after one was taken and before anybody had it leaves nothing of it', async () => {
    const [vm] = (await preload(1)) as [DispVM]
    const held = system.driver.holdNext('domainResume')
    const requested = request().catch(() => undefined)
    await held.reached
    await system.kill()
    held.release()
    await requested
    await system.reopen()
    expect(system.app.domains.find(vm.name)).toBeUndefined()
    expect(disposables()).toEqual([])
  })
})

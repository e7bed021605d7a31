import { rename } from 'node:fs/promises'
import { QubesException, QubesMemoryError } from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LifeEventName } from '../domains/domain-events.ts'
import { netvm, providesNetwork } from '../domains/properties/net-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { TemplateVM } from '../domains/template-vm.ts'
import { TestSystem } from '../testing/test-system.ts'

// Reference: storage-and-lifecycle, B.3.1; the numbers are those of part D.

let system: TestSystem
let template: TemplateVM
let vm: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  template = await system.create<TemplateVM>('TemplateVM', 'tmpl')
  vm = await system.create('AppVM', 'work', template)
})
afterEach(() => system[Symbol.asyncDispose]())

const prepared = ['domain-pre-start', 'domain-verify-files']
const spawned = [
  ...prepared,
  'domain-pre-spawn',
  'property-reset:xid',
  'property-reset:stubdom_xid',
  'property-reset:start_time',
  'domain-spawn',
]
const resumed = [...spawned, 'domain-qdb-create', 'domain-pre-unpaused', 'domain-unpaused']
const started = [...resumed, 'domain-start']
const stopped = [
  'domain-stopped',
  'property-reset:xid',
  'property-reset:stubdom_xid',
  'property-reset:start_time',
  'domain-shutdown',
]

const of = (name: string, events: readonly string[]): string[] => events.map((event) => `${name} ${event}`)

/** Gives `provider` to others as their network. */
async function provides(provider: QubesVM, ...clients: readonly QubesVM[]): Promise<void> {
  await system.app.changes.make((unit) => {
    provider.set(unit, providesNetwork, true)
    for (const client of clients) client.set(unit, netvm, provider)
  })
}

describe('a start', () => {
  it('55: fires its events in this order', async () => {
    expect(await system.told(() => vm.lifeCycle.start())).toEqual(of('work', started))
    expect(system.events).toContain('work domain-start start_guid=True')
    expect(await system.intents()).toEqual(['run work'])
  })

  it('55: shows the state that the domain has at each step', async () => {
    await system.features(vm, { qrexec: '1' })
    const seen: string[] = []
    const names: LifeEventName[] = ['domain-pre-start', 'domain-pre-spawn', 'domain-spawn', 'domain-qdb-create']
    for (const name of [...names, 'domain-pre-unpaused', 'domain-unpaused', 'domain-start'] as const)
      system.app.events.onLife(QubesVM, name, () => void seen.push(`${name} ${vm.powerState}`))
    const start = vm.lifeCycle.start()
    await system.until(() => vm.powerState === 'Transient')
    system.app.agents.note(vm, true)
    await start
    expect(seen).toEqual([
      'domain-pre-start Halted',
      'domain-pre-spawn Halted',
      'domain-spawn Paused',
      'domain-qdb-create Paused',
      'domain-pre-unpaused Paused',
      'domain-unpaused Transient',
      'domain-start Running',
    ])
    expect(vm.powerState).toBe('Running')
  })

  it('56: is shared by all concurrent callers', async () => {
    const all = (): Promise<unknown> => Promise.all([1, 2, 3].map(() => vm.lifeCycle.start()))
    expect(await system.told(all)).toEqual(of('work', started))
    expect(await system.driver.connectListAllDomains({ active: true })).toHaveLength(1)
  })

  it('57: of a domain that is paused does nothing', async () => {
    await vm.lifeCycle.start()
    await vm.lifeCycle.pause()
    expect(await system.told(() => vm.lifeCycle.start())).toEqual([])
    expect(vm.powerState).toBe('Paused')
  })

  it('59: is refused by the feature prohibit-start, with the reason', async () => {
    await system.features(vm, { 'prohibit-start': 'under repair' })
    const events = await system.told(() => expect(vm.lifeCycle.start()).rejects.toThrow(/under repair/))
    expect(events).toEqual(['work domain-start-failed'])
    expect(system.events.at(-1)).toMatch(/ reason=.*under repair/)
    await system.features(vm, { 'prohibit-start': undefined })
    await vm.lifeCycle.start()
  })

  it('waits for the handling of a stop that is under way', async () => {
    await vm.lifeCycle.start()
    const gate = Promise.withResolvers<void>()
    system.app.events.onLife(QubesVM, 'domain-shutdown', () => gate.promise)
    const events = await system.told(async () => {
      system.driver.powerOffDomain(vm.uuid)
      await system.until(() => system.events.at(-1) === 'work domain-shutdown')
      const start = vm.lifeCycle.start()
      await system.app.changes.settled()
      gate.resolve()
      await start
    })
    expect(events).toEqual(of('work', [...stopped, ...started]))
  })
})

interface Failure {
  /** Step of the table, and what fails there. */
  readonly what: string
  plan(): void | Promise<void>
  /** Makes a new start possible. */
  mend?(): void | Promise<void>
  readonly events: readonly string[]
  readonly error: RegExp
}

const image = (): string => `${system.folder}/appvms/work/private.img`
const handlerFails = (name: LifeEventName): Pick<Failure, 'plan' | 'error'> => ({
  plan: () => system.failAt(name),
  error: new RegExp(`a handler of ${name} fails`),
})
const driverFails = (call: 'domainDefineXML' | 'domainCreate' | 'domainResume'): Pick<Failure, 'plan' | 'error'> => ({
  plan: () => system.driver.failNext(call, new Error(`${call} fails`)),
  error: new RegExp(`${call} fails`),
})
const commitFails = (of: RegExp): Pick<Failure, 'plan' | 'error'> => ({
  plan: () => system.faults.failNext('commit', 'ENOSPC', of),
  error: /nothing was changed: ENOSPC/,
})
const failed = 'domain-start-failed'

const failures: readonly Failure[] = [
  {
    what: '5: a handler of domain-pre-start',
    ...handlerFails('domain-pre-start'),
    events: ['domain-pre-start', failed],
  },
  {
    what: '7: an image that is missing',
    plan: () => rename(image(), `${system.folder}/elsewhere`),
    mend: () => rename(`${system.folder}/elsewhere`, image()),
    events: ['domain-pre-start', failed],
    error: /Missing image file/,
  },
  {
    what: '7: a handler of domain-verify-files',
    ...handlerFails('domain-verify-files'),
    events: [...prepared, failed],
  },
  {
    what: '9: memory',
    plan: () => {
      system.hostAvailable = () => 0
    },
    mend: () => {
      system.hostAvailable = () => 2 ** 24
    },
    events: [...prepared, failed],
    error: /Not enough memory to start work/,
  },
  { what: '10: the intent', ...commitFails(/"run".*started.*false/), events: [...prepared, failed] },
  {
    what: '10: a volume that cannot be started',
    plan: () => system.faults.failNext('create', 'EIO', /work\/volatile-dirty/),
    events: [...prepared, failed],
    error: /Cannot start volume appvms\/work\/volatile.*input\/output error/,
  },
  {
    what: '11: a handler of domain-pre-spawn',
    ...handlerFails('domain-pre-spawn'),
    events: [...prepared, 'domain-pre-spawn', failed],
  },
  {
    what: '12: the definition',
    ...driverFails('domainDefineXML'),
    events: [...prepared, 'domain-pre-spawn', failed],
  },
  {
    what: '13: the creation',
    ...driverFails('domainCreate'),
    events: [...prepared, 'domain-pre-spawn', failed],
  },
  {
    what: '16: a handler of domain-spawn',
    ...handlerFails('domain-spawn'),
    events: [...spawned, failed, ...stopped],
  },
  {
    what: '17: a handler of domain-qdb-create',
    ...handlerFails('domain-qdb-create'),
    events: [...spawned, 'domain-qdb-create', failed, ...stopped],
  },
  {
    what: '18: a handler of domain-pre-unpaused',
    ...handlerFails('domain-pre-unpaused'),
    events: [...spawned, 'domain-qdb-create', 'domain-pre-unpaused', failed, ...stopped],
  },
  {
    what: '19: the resume',
    ...driverFails('domainResume'),
    events: [...spawned, 'domain-qdb-create', 'domain-pre-unpaused', failed, ...stopped],
  },
  {
    what: '19: a handler of domain-unpaused',
    ...handlerFails('domain-unpaused'),
    events: [...resumed, failed, ...stopped],
  },
  {
    what: '19: storing that the guest was resumed',
    ...commitFails(/"run".*started.*true/),
    events: [...resumed, failed, ...stopped],
  },
  {
    what: '20: an agent that does not connect',
    plan: async () => {
      await system.features(vm, { qrexec: '1' })
      const transient = system.until(() => vm.powerState === 'Transient')
      void transient.then(() => system.advanceUntil(() => vm.powerState === 'Halted', 60_000))
    },
    mend: () => system.features(vm, { qrexec: undefined }),
    events: [...resumed, failed, ...stopped],
    error: /Cannot connect to the qrexec agent of work for 60 seconds/,
  },
  { what: '21: a handler of domain-start', ...handlerFails('domain-start'), events: [...started, failed, ...stopped] },
]

describe('58: a start that fails at step', () => {
  it.each(failures)('$what', async ({ plan, mend, events, error }) => {
    await plan()
    const available = await system.app.memory.available()
    expect(await system.told(() => expect(vm.lifeCycle.start()).rejects.toThrow(error))).toEqual(of('work', events))
    expect(vm.powerState).toBe('Halted')
    expect(vm.run).toBeUndefined()
    expect(await system.intents()).toEqual([])
    expect((await system.files()).filter((path) => /dirty|~/.test(path))).toEqual([])
    expect(await system.driver.connectListAllDomains({ active: true })).toEqual([])
    await mend?.()
    if (!mend) expect(await system.app.memory.available()).toBe(available)
    expect(await system.told(() => vm.lifeCycle.start())).toEqual(of('work', started))
    expect(vm.powerState).toBe('Running')
    expect(await system.intents()).toEqual(['run work'])
  })

  it('10, with volumes that cannot be put back: the next start does', async () => {
    system.faults.failNext('create', 'EIO', /work\/volatile-dirty/)
    system.faults.failNext('rename', 'EIO', /work\/private-dirty\.img$/)
    await expect(vm.lifeCycle.start()).rejects.toThrow(/Cannot start volume appvms\/work\/volatile/)
    expect(await system.intents()).toEqual(['run work'])
    await vm.lifeCycle.start()
    expect(await system.intents()).toEqual(['run work'])
    await vm.lifeCycle.kill()
    expect(await system.intents()).toEqual([])
  })
})

describe('a failing handler of an event that only informs', () => {
  it('does not prevent the undoing of a failed start', async () => {
    system.driver.failNext('domainCreate', new Error('no machine'))
    system.failAt('domain-start-failed')
    await expect(vm.lifeCycle.start()).rejects.toThrow(/no machine/)
    expect(await system.intents()).toEqual([])
    expect(system.logged.map(({ message }) => message)).toContain('a handler of the event domain-start-failed failed')
    await vm.lifeCycle.start()
  })
})

describe('a guest that ends while it is being started', () => {
  it.each([
    ['domain-spawn', spawned],
    ['domain-qdb-create', [...spawned, 'domain-qdb-create']],
    ['domain-unpaused', resumed],
  ] as const)('in %s: the start fails, the stop is handled once', async (name, before) => {
    let ends = true
    system.app.events.onLife(QubesVM, name, () => {
      if (ends) system.driver.powerOffDomain(vm.uuid)
      ends = false
    })
    const events = await system.told(() => expect(vm.lifeCycle.start()).rejects.toThrow())
    // When the guest's end is noticed is not said; what happens, and how often, is.
    expect(events.filter((event) => stopped.includes(event.replace('work ', '')) && !event.includes('reset'))).toEqual(
      of('work', ['domain-stopped', 'domain-shutdown']),
    )
    expect(events.filter((event) => event.endsWith(failed))).toHaveLength(1)
    expect(events).not.toContain('work domain-start')
    expect(events.slice(0, before.length)).toEqual(of('work', before))
    expect(vm.powerState).toBe('Halted')
    expect(await system.intents()).toEqual([])
    expect(await system.told(() => vm.lifeCycle.start())).toEqual(of('work', started))
  })

  it('before its agent connects: the start need not wait for that', async () => {
    await system.features(vm, { qrexec: '1' })
    const start = vm.lifeCycle.start()
    await system.until(() => vm.powerState === 'Transient')
    system.driver.crashDomain(vm.uuid)
    await expect(start).rejects.toThrow(/stopped before its qrexec agent connected/)
    expect(await system.intents()).toEqual([])
  })

  it('cannot be resumed by another caller meanwhile', async () => {
    const held = system.driver.holdNext('domainResume')
    const start = vm.lifeCycle.start()
    await held.reached
    expect(vm.powerState).toBe('Paused')
    await expect(vm.lifeCycle.unpause()).rejects.toThrow(/not paused/)
    held.release()
    await start
    expect(vm.powerState).toBe('Running')
  })

  it('by kill: the start fails', async () => {
    const held = system.driver.holdNext('domainResume')
    const start = expect(vm.lifeCycle.start()).rejects.toThrow()
    await held.reached
    const kill = vm.lifeCycle.kill()
    held.release()
    await Promise.all([start, kill])
    expect(vm.powerState).toBe('Halted')
    expect(await system.intents()).toEqual([])
  })
})

describe('60: the start of a client', () => {
  let near: QubesVM
  let far: QubesVM

  beforeEach(async () => {
    near = await system.create('AppVM', 'near', template)
    far = await system.create('AppVM', 'far', template)
    await provides(far, near)
    await provides(near, vm)
  })

  it('starts its providers first, the farthest first of all', async () => {
    expect(await system.told(() => vm.lifeCycle.start())).toEqual([
      ...of('work', prepared),
      ...of('near', prepared),
      ...of('far', started),
      ...of('near', started.slice(2)),
      ...of('work', started.slice(2)),
    ])
    expect(await system.told(() => vm.lifeCycle.start())).toEqual([])
  })

  it('fails when a provider fails; providers that were started before stay', async () => {
    system.failAt('domain-pre-spawn')
    const order: string[] = []
    system.app.events.onLife(QubesVM, 'domain-start-failed', (failing) => void order.push(failing.name))
    await expect(vm.lifeCycle.start()).rejects.toThrow(/domain-pre-spawn fails/)
    expect(order).toEqual(['far', 'near', 'work'])
    expect([far, near, vm].map(({ powerState }) => powerState)).toEqual(['Halted', 'Halted', 'Halted'])
    await near.lifeCycle.start()
    system.failAt('domain-pre-spawn')
    await expect(vm.lifeCycle.start()).rejects.toThrow(/domain-pre-spawn fails/)
    expect([far, near, vm].map(({ powerState }) => powerState)).toEqual(['Running', 'Running', 'Halted'])
    expect(await system.driver.connectListAllDomains({ active: true })).toHaveLength(2)
  })

  it('waits for a provider that another caller is starting', async () => {
    const held = system.driver.holdNext('domainResume')
    const first = near.lifeCycle.start()
    await held.reached
    const events = await system.told(async () => {
      const second = vm.lifeCycle.start()
      await system.until(() => system.events.at(-1) === 'work domain-verify-files')
      held.release()
      await Promise.all([first, second])
    })
    expect(events.indexOf('near domain-start')).toBeLessThan(events.indexOf('work domain-pre-spawn'))
  })
})

it('a lack of memory and a prohibited start have errors of their own', async () => {
  system.hostAvailable = () => 0
  await expect(vm.lifeCycle.start()).rejects.toBeInstanceOf(QubesMemoryError)
  await system.features(vm, { 'prohibit-start': 'x' })
  await expect(vm.lifeCycle.start()).rejects.toBeInstanceOf(QubesException)
})

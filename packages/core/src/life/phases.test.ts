import {
  QubesVMNotFoundError,
  QubesVMNotHaltedError,
  QubesVMNotRunningError,
  QubesVMNotStartedError,
} from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DispVM } from '../domains/disp-vm.ts'
import type { LifeEventName } from '../domains/domain-events.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { setProperty } from '../operations/properties.ts'
import { findVolume, setVolumeRw } from '../operations/volumes/volume-operations.ts'
import { MemorySystem } from '../testing/memory-system.ts'
import { discrepancies } from '../testing/soundness.ts'

let system: MemorySystem
let events: string[]
let vm: QubesVM

beforeEach(async () => {
  events = []
  system = await MemorySystem.open(({ domain, name }) => events.push(`${domain ?? ''} ${name}`.trim()))
  vm = await create('AppVM', 'work', await create('TemplateVM', 'tmpl'))
})
afterEach(() => system[Symbol.asyncDispose]())

function create(klass: 'TemplateVM' | 'AppVM' | 'StandaloneVM', name: string, template?: QubesVM): Promise<QubesVM> {
  return system.create(klass, name, template)
}

/** Turns of the event loop, in which everything that does not wait for time happens. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise(setImmediate)
}

/** Stops what is under way at an event of the domain until the function that comes back is called. */
function holdAt(name: LifeEventName): { reached: Promise<void>; release(): void } {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let held = false
  system.app.events.onLife(QubesVM, name, (subject) => {
    if (held || subject !== vm) return
    held = true
    reached.resolve()
    return released.promise
  })
  return { reached: reached.promise, release: () => released.resolve() }
}

async function sound(): Promise<void> {
  await system.app.changes.settled()
  expect(await discrepancies(system)).toEqual([])
}

/** Every moment of a start at which something else may be asked, with the state that is shown. */
const moments = [
  ['domain-pre-start', 'Halted'],
  ['domain-verify-files', 'Halted'],
  ['domain-pre-spawn', 'Halted'],
  ['domain-spawn', 'Paused'],
  ['domain-qdb-create', 'Paused'],
  ['domain-pre-unpaused', 'Paused'],
  ['domain-unpaused', 'Running'],
] as const

describe.each(moments)('while a domain starts, at %s (%s)', (moment, shown) => {
  let start: Promise<void>
  let held: ReturnType<typeof holdAt>

  beforeEach(async () => {
    held = holdAt(moment)
    start = vm.lifeCycle.start()
    start.catch(() => {})
    await held.reached
    expect([vm.phase.name, vm.powerState]).toEqual(['starting', shown])
  })

  it('a kill ends the start, and its caller is told', async () => {
    const kill = vm.lifeCycle.kill()
    held.release()
    await kill
    await expect(start).rejects.toThrow('work was killed while it was being started')
    expect([vm.phase.name, vm.powerState, vm.run]).toEqual(['halted', 'Halted', undefined])
    await sound()
    await vm.lifeCycle.start()
  })

  it('what needs it halted is refused at once, with what is being done', async () => {
    const refused = [
      setProperty(vm, 'template', 'tmpl'),
      setVolumeRw(findVolume(vm, 'private'), false),
      system.app.removeDomain(vm),
    ]
    for (const call of refused) {
      await expect(call).rejects.toThrow(QubesVMNotHaltedError)
      await expect(call).rejects.toThrow(/work is refused: it is being started/)
    }
    held.release()
    await start
    await sound()
  })

  it('another netvm is refused', async () => {
    await expect(setProperty(vm, 'netvm', '')).rejects.toThrow(/Changing the netvm of work is refused/)
    held.release()
    await start
  })

  it('a second start is the same start', async () => {
    const again = vm.lifeCycle.start()
    held.release()
    await Promise.all([start, again])
    expect(events.filter((event) => event === 'work domain-start')).toHaveLength(1)
  })

  it('a guest that does not run yet can be neither paused nor shut down', async () => {
    if (shown !== 'Running') {
      await expect(vm.lifeCycle.pause()).rejects.toThrow(QubesVMNotRunningError)
      await expect(vm.lifeCycle.shutdown({ force: true })).rejects.toThrow(/being started/)
      await expect(vm.lifeCycle.unpause()).rejects.toThrow(QubesVMNotStartedError)
    }
    held.release()
    await start
    expect(vm.powerState).toBe('Running')
  })
})

describe('while a domain stops', () => {
  it.each(['domain-stopped', 'domain-shutdown'] as const)('at %s each request has one outcome', async (moment) => {
    await vm.lifeCycle.start()
    const held = holdAt(moment)
    system.driver.powerOffDomain(vm.uuid)
    await held.reached
    expect([vm.phase.name, vm.powerState]).toEqual(['stopping', 'Halted'])
    for (const call of [vm.lifeCycle.kill(), vm.lifeCycle.shutdown(), vm.lifeCycle.pause()])
      await expect(call).rejects.toThrow(QubesVMNotStartedError)
    // Callers that need it halted wait, as a stop ends by itself.
    const waiting = [setProperty(vm, 'template', 'tmpl'), setVolumeRw(findVolume(vm, 'private'), false)]
    const start = vm.lifeCycle.start()
    await turns()
    expect(vm.phase.name).toBe('stopping')
    held.release()
    await Promise.allSettled([...waiting, start])
    await start
    await sound()
  })

  it('a caller does not wait for ever', async () => {
    await vm.lifeCycle.start()
    const held = holdAt('domain-shutdown')
    system.driver.powerOffDomain(vm.uuid)
    await held.reached
    const refused = expect(setProperty(vm, 'template', 'tmpl')).rejects.toThrow(/being stopped for more than 120 s/)
    await turns()
    system.advance(120_000)
    await refused
    held.release()
  })
})

describe('a disposable', () => {
  async function disposable(): Promise<DispVM> {
    await setProperty(vm, 'template_for_dispvms', 'True')
    return system.app.disposables.create(vm, system.app.adminVM)
  }

  it('whose start fails is removed once, and all who asked for the start are told', async () => {
    const disp = await disposable()
    const held = system.driver.holdNext('domainCreate')
    const starts = [disp.lifeCycle.start(), disp.lifeCycle.start()]
    for (const start of starts) start.catch(() => {})
    await held.reached
    const late = disp.lifeCycle.start()
    late.catch(() => {})
    system.faults.failNext('domainResume', 'EIO')
    held.release()
    for (const start of [...starts, late]) await expect(start).rejects.toThrow(/EIO/)
    expect([disp.registered, disp.phase.name]).toEqual([false, 'removed'])
    await expect(disp.lifeCycle.start()).rejects.toThrow(QubesVMNotFoundError)
    expect(await system.driver.connectListAllDomains({ active: true })).toEqual([])
    await sound()
  })

  it('that others use as their netvm is killed, and removed when they do not any more', async () => {
    const disp = await disposable()
    await setProperty(disp, 'provides_network', 'True')
    const client = await create('StandaloneVM', 'client')
    await setProperty(client, 'netvm', disp.name)
    await disp.lifeCycle.start()
    await disp.lifeCycle.kill()
    expect([disp.registered, disp.phase.name]).toEqual([true, 'halted'])
    await setProperty(client, 'netvm', '')
    expect(disp.registered).toBe(false)
    await sound()
  })

  it('that was never started, or stayed, is gone with the next daemon', async () => {
    await disposable()
    const used = await system.app.disposables.create(vm, system.app.adminVM)
    await setProperty(used, 'provides_network', 'True')
    const client = await create('StandaloneVM', 'client')
    await setProperty(client, 'netvm', used.name)
    await system.reopen()
    const left = [...system.app.domains].filter((one) => one instanceof DispVM)
    expect(left.map(({ name }) => name)).toEqual([used.name])
    await setProperty(system.app.domains.get('client') as QubesVM, 'netvm', '')
    expect(left[0]?.registered).toBe(false)
  })
})

it('a netvm that is being started cannot come to depend on its client', async () => {
  const provider = await create('StandaloneVM', 'provider')
  for (const one of [provider, vm]) await setProperty(one, 'provides_network', 'True')
  await setProperty(vm, 'netvm', 'provider')
  await setProperty(system.app.global, 'default_netvm', '')
  const gate = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  system.app.events.onLife(QubesVM, 'domain-pre-start', (subject) => {
    if (subject !== provider) return
    reached.resolve()
    return gate.promise
  })
  const start = vm.lifeCycle.start()
  await reached.promise
  await expect(setProperty(vm, 'netvm', '')).rejects.toThrow(/being started/)
  await expect(setProperty(provider, 'netvm', 'work')).rejects.toThrow(/being started/)
  // Also by default, which the provider has.
  await expect(setProperty(system.app.global, 'default_netvm', 'work')).rejects.toThrow()
  gate.resolve()
  await start
  expect([vm.powerState, provider.powerState]).toEqual(['Running', 'Running'])
})

it('a guest that no domain has is ended by the next daemon', async () => {
  await vm.lifeCycle.start()
  const { uuid } = vm
  // Past all checks, as only damage can: the domain is gone, its guest is not.
  await system.app.changes.make((unit) => {
    vm.unregister(unit)
    system.app.runs.forget(unit, vm)
  })
  await system.reopen()
  expect(system.app.domains.findUuid(uuid)).toBeUndefined()
  expect(await system.driver.connectListAllDomains({ active: true })).toEqual([])
  expect(system.logged.join()).toContain('a guest runs that belongs to no domain: it is ended')
})

it('a request to shut down is repeated until the guest hears it', async () => {
  await vm.lifeCycle.start()
  system.driver.ignoreShutdown(vm.uuid)
  const shutdown = vm.lifeCycle.shutdown({ wait: true })
  for (let second = 0; second < 10; second++) {
    await turns()
    system.advance(1000)
  }
  expect(vm.powerState).toBe('Running')
  system.driver.heedShutdown(vm.uuid)
  for (let second = 0; second < 4 && vm.run; second++) {
    await turns()
    system.advance(1000)
  }
  await shutdown
  expect(vm.powerState).toBe('Halted')
  for (let second = 0; second < 70; second++) {
    await turns()
    system.advance(1000)
  }
  expect(system.clock.pending).toBe(0)
})

it('images that could not be removed with their domain are removed later', async () => {
  system.faults.failNext('unlink', 'EIO', /work\/private\.img$/)
  await system.app.removeDomain(vm)
  expect([vm.registered, await system.intents()]).toEqual([false, ['remove work']])
  expect((await system.files()).filter((path) => path.includes('work'))).not.toEqual([])
  for (let second = 0; second < 12; second++) {
    system.advance(1000)
    await turns()
  }
  expect(await system.intents()).toEqual([])
  await sound()
})

import {
  QubesVMError,
  QubesVMInUseError,
  QubesVMNotPausedError,
  QubesVMNotRunningError,
  QubesVMNotStartedError,
  QubesVMShutdownTimeoutError,
} from '@cloister/kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { netvm, providesNetwork } from '../domains/properties/net-properties.ts'
import { guivm, shutdownTimeout } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { TestSystem } from '../testing/test-system.ts'

// Reference: storage-and-lifecycle, B.4; the numbers are those of part D.

let system: TestSystem
let vm: QubesVM

beforeEach(async () => {
  system = await TestSystem.open()
  vm = await system.create('StandaloneVM', 'work')
  await vm.lifeCycle.start()
})
afterEach(() => system[Symbol.asyncDispose]())

const resets = ['property-reset:xid', 'property-reset:stubdom_xid', 'property-reset:start_time']
const stopPair = ['domain-stopped', ...resets, 'domain-shutdown']
const of = (name: string, events: readonly string[]): string[] => events.map((event) => `${name} ${event}`)
const stopped = of('work', stopPair)

/** Revisions of the private volume: each stop commits once. */
async function commits(domain: QubesVM = vm): Promise<number> {
  const pattern = new RegExp(`/${domain.name}/private\\.img\\.\\d+@`)
  const [path = ''] = (await system.files()).filter((name) => pattern.test(name))
  return Number(/\.img\.(\d+)@/.exec(path)?.[1] ?? 0)
}

/** Sees to it that the domain is halted, and that its stop was handled once, since the last start. */
async function expectHalted(events: readonly string[], domain: QubesVM = vm): Promise<void> {
  expect(events.filter((event) => event === `${domain.name} domain-stopped`)).toHaveLength(1)
  expect(events.filter((event) => event === `${domain.name} domain-shutdown`)).toHaveLength(1)
  expect(domain.powerState).toBe('Halted')
  expect(domain.run).toBeUndefined()
  expect((await system.files()).filter((path) => path.includes('dirty') || path.includes('~'))).toEqual([])
  expect(await commits(domain)).toBe(1)
  expect((await system.intents()).filter((intent) => intent.endsWith(domain.name))).toEqual([])
}

const ended = (): Promise<void> => system.until(() => system.events.at(-1) === 'work domain-shutdown')

describe('61: the end of a guest is handled once, in this order', () => {
  const causes: readonly [cause: string, end: () => Promise<unknown>, before?: readonly string[]][] = [
    ['it powers itself off', () => Promise.resolve(system.driver.powerOffDomain(vm.uuid))],
    ['its kernel panics', () => Promise.resolve(system.driver.crashDomain(vm.uuid))],
    ['it is killed', () => vm.lifeCycle.kill()],
    ['it is killed by several at once', () => Promise.allSettled([1, 2, 3].map(() => vm.lifeCycle.kill()))],
    ['it is shut down', () => vm.lifeCycle.shutdown({ wait: true }), ['domain-pre-shutdown']],
    [
      'it is shut down by several at once',
      () => Promise.all([1, 2].map(() => vm.lifeCycle.shutdown({ wait: true }))),
      ['domain-pre-shutdown', 'domain-pre-shutdown'],
    ],
    [
      'another client of the hypervisor ends it',
      async () => (await system.app.hypervisors.of(vm).running())[0]?.destroy(),
    ],
    [
      'it powers itself off while it is killed',
      () => {
        system.driver.powerOffDomain(vm.uuid)
        return expect(vm.lifeCycle.kill()).rejects.toThrow(QubesVMNotStartedError)
      },
    ],
  ]

  it.each(causes)('%s', async (_cause, end, before = []) => {
    const events = await system.told(async () => {
      const work = end()
      await system.until(() => system.events.includes('work domain-shutdown'))
      await work
      await vm.phase.settled(system.clock)
    })
    expect(events).toEqual([...of('work', before), ...stopped])
    await expectHalted(events)
  })

  it('it ends while a handler of its end still works: a start waits for that', async () => {
    const gate = Promise.withResolvers<void>()
    system.app.events.onLife(QubesVM, 'domain-stopped', () => gate.promise)
    system.driver.powerOffDomain(vm.uuid)
    expect(vm.powerState).toBe('Halted')
    const kill = expect(vm.lifeCycle.kill()).rejects.toThrow(QubesVMNotStartedError)
    const events = await system.told(async () => {
      const start = vm.lifeCycle.start()
      await kill
      gate.resolve()
      await start
    })
    expect(events.slice(0, 5)).toEqual([...of('work', resets), 'work domain-shutdown', 'work domain-pre-start'])
    expect(await commits()).toBe(1)
    expect(vm.powerState).toBe('Running')
  })

  it('a failing handler does not prevent the commit; callers that wait get its error', async () => {
    system.failAt('domain-stopped')
    const events = await system.told(() => expect(vm.lifeCycle.kill()).rejects.toThrow(/domain-stopped fails/))
    await expectHalted(events)
    await vm.lifeCycle.start()
  })

  it('volumes that cannot be committed stay as the guest left them until they can', async () => {
    system.faults.failNext('rename', 'EIO', /work\/private-dirty\.img$/)
    await vm.lifeCycle.kill()
    expect(vm.powerState).toBe('Halted')
    expect(await system.intents()).toEqual(['run work'])
    expect(system.logged).toContainEqual(expect.objectContaining({ level: 'error', message: expect.any(String) }))
    await vm.lifeCycle.start()
    await vm.lifeCycle.kill()
    expect(await system.intents()).toEqual([])
    expect((await system.files()).filter((path) => path.includes('dirty'))).toEqual([])
  })
})

describe('62: shutdown', () => {
  const failedEvents = of('work', ['domain-pre-shutdown', 'domain-shutdown-failed'])

  it('of a halted domain is refused without an event', async () => {
    await vm.lifeCycle.kill()
    const refused = (): Promise<void> => expect(vm.lifeCycle.shutdown()).rejects.toThrow(QubesVMNotStartedError)
    expect(await system.told(refused)).toEqual([])
  })

  it.each(['netvm', 'guivm'] as const)(
    'of a domain that others need as their %s is refused, unless forced',
    async (name) => {
      const user = await system.create('StandaloneVM', 'user')
      await system.app.changes.make((unit) => {
        vm.set(unit, providesNetwork, true)
        user.set(unit, name === 'netvm' ? netvm : guivm, vm)
      })
      await vm.lifeCycle.shutdown({ wait: true })
      await user.lifeCycle.start()
      await vm.lifeCycle.start()
      const refused = (): Promise<void> =>
        expect(vm.lifeCycle.shutdown({ wait: true })).rejects.toThrow(
          name === 'netvm' ? QubesVMInUseError : QubesVMError,
        )
      expect(await system.told(refused)).toEqual(failedEvents)
      expect(vm.powerState).toBe('Running')
      await vm.lifeCycle.shutdown({ force: true, wait: true })
      expect([vm, user].map(({ powerState }) => powerState)).toEqual(['Halted', 'Running'])
    },
  )

  it('of a paused domain is refused, unless forced', async () => {
    await vm.lifeCycle.pause()
    const refused = (): Promise<void> => expect(vm.lifeCycle.shutdown()).rejects.toThrow(QubesVMNotRunningError)
    expect(await system.told(refused)).toEqual(failedEvents)
    expect(vm.powerState).toBe('Paused')
    const events = await system.told(() => vm.lifeCycle.shutdown({ force: true, wait: true }))
    expect(events).toEqual(['work domain-pre-shutdown', ...stopped])
  })

  it('is vetoed by a handler', async () => {
    system.failAt('domain-pre-shutdown')
    const refused = (): Promise<void> => expect(vm.lifeCycle.shutdown()).rejects.toThrow(/domain-pre-shutdown fails/)
    expect(await system.told(refused)).toEqual(failedEvents)
    expect(vm.powerState).toBe('Running')
  })

  it('that the hypervisor refuses is an error', async () => {
    system.driver.failNext('domainShutdown', new Error('no button'))
    await expect(vm.lifeCycle.shutdown()).rejects.toThrow(QubesVMShutdownTimeoutError)
    expect(vm.powerState).toBe('Running')
  })

  it('that the guest ignores ends with an error for waiting callers; the domain runs, and kill works', async () => {
    await system.app.changes.make((unit) => vm.set(unit, shutdownTimeout, 5))
    system.driver.ignoreShutdown(vm.uuid)
    const events = await system.told(async () => {
      const shutdown = vm.lifeCycle.shutdown({ wait: true })
      shutdown.catch(() => {})
      await system.until(() => system.events.at(-1) === 'work domain-pre-shutdown force=False')
      await system.advanceUntil(
        () => system.events.some((event) => event.startsWith('work domain-shutdown-failed')),
        1000,
      )
      await expect(shutdown).rejects.toThrow(QubesVMShutdownTimeoutError)
      await expect(shutdown).rejects.toThrow(/work did not shut down in 5 s/)
    })
    expect(events).toEqual(failedEvents)
    expect(vm.powerState).toBe('Running')
    await expectHalted(await system.told(() => vm.lifeCycle.kill()))
  })

  it('that takes too long for one of two waiting callers does not affect the other', async () => {
    system.driver.ignoreShutdown(vm.uuid)
    /** A call that waits; when this returns, it does. */
    const begin = async (seconds: number): Promise<{ readonly shutdown: Promise<void> }> => {
      await system.app.changes.make((unit) => vm.set(unit, shutdownTimeout, seconds))
      const shutdown = vm.lifeCycle.shutdown({ wait: true })
      shutdown.catch(() => {})
      await new Promise(setImmediate)
      return { shutdown }
    }
    const settled: string[] = []
    const note = (who: string, waiting: Promise<void>): Promise<void> =>
      waiting.then(
        () => void settled.push(`${who} in time`),
        (error: unknown) => void settled.push(`${who} ${(error as Error).name}`),
      )
    const impatient = note('first', (await begin(1)).shutdown)
    const patient = note('second', (await begin(1_000_000)).shutdown)
    await system.advanceUntil(() => settled.length > 0, 1000)
    await impatient
    expect(settled).toEqual(['first QubesVMShutdownTimeoutError'])
    const events = await system.told(async () => {
      system.driver.powerOffDomain(vm.uuid)
      await patient
    })
    expect(settled).toEqual(['first QubesVMShutdownTimeoutError', 'second in time'])
    await expectHalted(events)
  })
})

describe('kill', () => {
  it('of a halted domain is refused', async () => {
    await vm.lifeCycle.kill()
    const refused = (): Promise<void> => expect(vm.lifeCycle.kill()).rejects.toThrow(QubesVMNotStartedError)
    expect(await system.told(refused)).toEqual([])
  })

  it('63: is allowed for a domain that running domains use; handlers cannot veto it', async () => {
    const user = await system.create('StandaloneVM', 'user')
    await vm.lifeCycle.kill()
    await system.app.changes.make((unit) => {
      vm.set(unit, providesNetwork, true)
      user.set(unit, netvm, vm)
    })
    await user.lifeCycle.start()
    system.failAt('domain-pre-shutdown')
    expect(await system.told(() => vm.lifeCycle.kill())).toEqual(stopped)
    expect(user.powerState).toBe('Running')
  })

  it('that the hypervisor refuses is an error, and the domain runs', async () => {
    system.driver.failNext('domainDestroy', new Error('busy'))
    await expect(vm.lifeCycle.kill()).rejects.toThrow(/Cannot end work/)
    expect(vm.powerState).toBe('Running')
    await expectHalted(await system.told(() => vm.lifeCycle.kill()))
  })
})

describe('64: pause and unpause', () => {
  const paused = of('work', ['domain-pre-paused', 'domain-paused'])
  const unpaused = of('work', ['domain-pre-unpaused', 'domain-unpaused'])

  it('fire their events once each', async () => {
    expect(await system.told(() => vm.lifeCycle.pause())).toEqual(paused)
    expect(vm.powerState).toBe('Paused')
    expect(await system.told(() => vm.lifeCycle.unpause())).toEqual(unpaused)
    expect(vm.powerState).toBe('Running')
  })

  it('notice that another client of the hypervisor resumes the guest', async () => {
    await vm.lifeCycle.pause()
    const resume = (): Promise<void> => Promise.resolve(system.driver.externalResume(vm.uuid))
    expect(await system.told(resume)).toEqual(['work domain-unpaused'])
    expect(vm.powerState).toBe('Running')
    await vm.lifeCycle.pause()
    expect(await system.told(() => vm.lifeCycle.unpause())).toEqual(unpaused)
    await vm.lifeCycle.pause()
    expect(await system.told(resume)).toEqual(['work domain-unpaused'])
  })

  it('are refused in other states', async () => {
    await expect(vm.lifeCycle.unpause()).rejects.toThrow(QubesVMNotPausedError)
    await vm.lifeCycle.kill()
    await expect(vm.lifeCycle.unpause()).rejects.toThrow(QubesVMNotPausedError)
    await expect(vm.lifeCycle.pause()).rejects.toThrow(QubesVMNotRunningError)
  })

  it('are vetoed by handlers', async () => {
    system.failAt('domain-pre-paused')
    await expect(vm.lifeCycle.pause()).rejects.toThrow(/domain-pre-paused fails/)
    expect(vm.powerState).toBe('Running')
    await vm.lifeCycle.pause()
    system.failAt('domain-pre-unpaused')
    await expect(vm.lifeCycle.unpause()).rejects.toThrow(/domain-pre-unpaused fails/)
    expect(vm.powerState).toBe('Paused')
  })

  it('that the hypervisor refuses are errors; later ones work', async () => {
    system.driver.failNext('domainSuspend', new Error('no'))
    await expect(vm.lifeCycle.pause()).rejects.toThrow()
    expect(vm.powerState).toBe('Running')
    await vm.lifeCycle.pause()
    system.driver.failNext('domainResume', new Error('no'))
    await expect(vm.lifeCycle.unpause()).rejects.toThrow()
    expect(vm.powerState).toBe('Paused')
    // The refused resume must not swallow the notice of the next one.
    const resume = (): Promise<void> => Promise.resolve(system.driver.externalResume(vm.uuid))
    expect(await system.told(resume)).toEqual(['work domain-unpaused'])
  })

  it('a failing handler of an event that only informs is logged', async () => {
    system.failAt('domain-paused')
    await vm.lifeCycle.pause()
    await system.until(() =>
      system.logged.some(({ message }) => message === 'a handler of the event domain-paused failed'),
    )
    expect(vm.powerState).toBe('Paused')
  })

  it('a paused guest that ends is halted', async () => {
    await vm.lifeCycle.pause()
    await expectHalted(await system.told(() => vm.lifeCycle.kill()))
  })
})

describe('65: suspend and resume', () => {
  it('pause and unpause a guest that cannot suspend', async () => {
    expect(await system.told(() => vm.lifeCycle.suspend())).toEqual(of('work', ['domain-pre-paused', 'domain-paused']))
    expect(vm.powerState).toBe('Paused')
    expect(await system.told(() => vm.lifeCycle.resume())).toEqual(
      of('work', ['domain-pre-unpaused', 'domain-unpaused']),
    )
    await vm.lifeCycle.pause()
    await vm.lifeCycle.resume()
    expect(vm.powerState).toBe('Running')
  })

  it('are refused of a halted domain', async () => {
    await vm.lifeCycle.kill()
    await expect(vm.lifeCycle.suspend()).rejects.toThrow(QubesVMNotRunningError)
    await expect(vm.lifeCycle.resume()).rejects.toThrow(QubesVMNotPausedError)
  })
})

it('shows what the hypervisor says of the run, and nothing when there is none', async () => {
  expect(vm.get(vm.property('xid'))).toBe(vm.run?.id)
  expect(vm.get(vm.property('start_time'))).toBe((system.clock.now() / 1000).toFixed(3))
  system.driver.powerOffDomain(vm.uuid)
  await ended()
  expect([vm.get(vm.property('xid')), vm.get(vm.property('start_time'))]).toEqual([-1, null])
})

import { nodeOs, type Os } from '@cloister/os'
import { beforeEach, describe, expect, it } from 'vitest'
import type { DomainHandle, LifecycleEvent } from '../../driver.ts'
import { LibvirtError } from '../../error.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { defaultDomain } from './default-domain.ts'
import { TestDriver } from './test-driver.ts'

const clock = new ManualClock()
const os: Os = { ...nodeOs(), clock }

const uuidA = 'aaaaaaaa-0000-4000-8000-000000000000'
const uuidB = 'bbbbbbbb-0000-4000-8000-000000000000'
const console0 = "<console type='pty'/>"

function xml(name: string, uuid: string, more = ''): string {
  return `<domain type='test'><name>${name}</name><uuid>${uuid}</uuid><memory>1000</memory><os><type>hvm</type></os>${more}</domain>`
}

let driver: TestDriver
let events: string[]

function record({ domain, event, detail }: LifecycleEvent): void {
  events.push(`${domain.name} ${event} ${detail}`)
}

/** What a call ends in: its value, or the code of its error. */
async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call
  } catch (error) {
    if (error instanceof LibvirtError) return error.code
    throw error
  }
}

async function chunks(output: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = []
  for await (const chunk of output) all.push(chunk)
  return all
}

beforeEach(() => {
  events = []
  driver = new TestDriver('test:///empty', { os })
  driver.connectDomainEventRegister(record)
})

type Situation = 'absent' | 'inactive' | 'persistent' | 'transient'

/** Brings domain `a` into a situation of the table of state rules. */
async function situation(which: Situation): Promise<DomainHandle> {
  let handle: DomainHandle = { name: 'a', uuid: uuidA, id: -1 }
  if (which === 'inactive' || which === 'persistent') handle = await driver.domainDefineXML(xml('a', uuidA))
  if (which === 'persistent') handle = await driver.domainCreate(handle)
  if (which === 'transient') handle = await driver.domainCreateXML(xml('a', uuidA))
  events = []
  return handle
}

async function described(): Promise<string> {
  const [found] = await driver.connectListAllDomains()
  if (!found) return 'gone'
  const persistent = await driver.domainIsPersistent(found)
  return `${(await driver.domainGetState(found)).state} ${persistent ? 'persistent' : 'transient'}`
}

type Verb = 'domainDefineXML' | 'domainCreateXML' | 'domainCreate' | 'domainDestroy' | 'domainUndefine'

async function call(verb: Verb, handle: DomainHandle): Promise<unknown> {
  if (verb === 'domainDefineXML' || verb === 'domainCreateXML') return outcome(driver[verb](xml('a', uuidA)))
  return outcome(driver[verb](handle))
}

describe('state rules', () => {
  it.each<[Verb, Situation, string | number, string[]]>([
    ['domainDefineXML', 'absent', 'shutoff persistent', ['a defined 0']],
    ['domainDefineXML', 'inactive', 'shutoff persistent', ['a defined 1']],
    ['domainDefineXML', 'persistent', 'running persistent', ['a defined 1']],
    ['domainDefineXML', 'transient', 'running persistent', ['a defined 0']],
    ['domainCreateXML', 'absent', 'running transient', ['a started 0']],
    ['domainCreateXML', 'inactive', 'running persistent', ['a started 0']],
    ['domainCreateXML', 'persistent', 55, []],
    ['domainCreateXML', 'transient', 55, []],
    ['domainCreate', 'absent', 42, []],
    ['domainCreate', 'inactive', 'running persistent', ['a started 0']],
    ['domainCreate', 'persistent', 55, []],
    ['domainCreate', 'transient', 55, []],
    ['domainDestroy', 'absent', 42, []],
    ['domainDestroy', 'inactive', 55, []],
    ['domainDestroy', 'persistent', 'shutoff persistent', ['a stopped 1']],
    ['domainDestroy', 'transient', 'gone', ['a stopped 1']],
    ['domainUndefine', 'absent', 42, []],
    ['domainUndefine', 'inactive', 'gone', ['a undefined 0']],
    ['domainUndefine', 'persistent', 'running transient', ['a undefined 0']],
    ['domainUndefine', 'transient', 55, []],
  ])('%s of one that is %s: %s', async (verb, from, to, expected) => {
    const result = await call(verb, await situation(from))
    expect(typeof to === 'number' ? result : await described()).toBe(to)
    expect(events).toEqual(expected)
  })

  it('keeps name and uuid together', async () => {
    await driver.domainDefineXML(xml('a', uuidA))
    await driver.domainDefineXML(xml('b', uuidB))
    for (const verb of ['domainDefineXML', 'domainCreateXML'] as const) {
      await expect(driver[verb](xml('a', 'cccccccc-0000-4000-8000-000000000000'))).rejects.toMatchObject({
        code: 9,
        str2: `domain 'a' already exists with uuid ${uuidA}`,
      })
      await expect(driver[verb](xml('c', uuidA))).rejects.toMatchObject({
        code: 9,
        str2: `domain 'a' is already defined with uuid ${uuidA}`,
      })
      expect(await outcome(driver[verb](xml('a', uuidB)))).toBe(9)
    }
  })

  it('keeps the live configuration when the next one is defined, and the stored one when another is started', async () => {
    const title = async (inactive: boolean): Promise<string | undefined> =>
      /<title>(.*)<\/title>/.exec(await driver.domainGetXMLDesc(handle, { inactive }))?.[1]
    const titled = (text: string): string => xml('a', uuidA, `<title>${text}</title>`)
    const handle = await driver.domainDefineXML(titled('one'))
    await driver.domainCreate(handle)
    await driver.domainDefineXML(titled('two'))
    expect([await title(false), await title(true)]).toEqual(['one', 'two'])
    await driver.domainDestroy(handle)
    expect(await title(false)).toBe('two')
    await driver.domainCreateXML(titled('three'))
    expect([await title(false), await title(true)]).toEqual(['three', 'two'])
    await driver.domainDestroy(handle)
    expect(await title(false)).toBe('two')
  })

  it('finds a domain by the uuid of its handle alone', async () => {
    await driver.domainDefineXML(xml('a', uuidA))
    expect((await driver.domainGetState({ name: 'wrong', uuid: uuidA, id: 99 })).state).toBe('shutoff')
    await expect(driver.domainGetState({ name: 'a', uuid: uuidB, id: -1 })).rejects.toMatchObject({
      code: 42,
      domain: 12,
      message: `Domain not found: no domain with matching uuid '${uuidB}' (a)`,
    })
  })
})

describe('look-ups', () => {
  it('finds by name, by uuid and, while it runs, by id', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA))
    expect(handle).toEqual({ name: 'a', uuid: uuidA, id: 1 })
    expect(await driver.domainLookupByName('a')).toEqual(handle)
    expect(await driver.domainLookupByUUID(uuidA.toUpperCase().replaceAll('-', ''))).toEqual(handle)
    expect(await driver.domainLookupByID(1)).toEqual(handle)
    await driver.domainDefineXML(xml('a', uuidA))
    await driver.domainDestroy(handle)
    expect(await outcome(driver.domainLookupByID(1))).toBe(42)
    expect((await driver.domainLookupByName('a')).id).toBe(-1)
  })

  it('refuses unknown domains and malformed uuids', async () => {
    expect(await outcome(driver.domainLookupByName('a'))).toBe(42)
    expect(await outcome(driver.domainLookupByUUID(uuidA))).toBe(42)
    expect(await outcome(driver.domainLookupByUUID('a'))).toBe(8)
    expect(await outcome(driver.domainLookupByID(1))).toBe(42)
    expect(await outcome(driver.domainLookupByID(-1))).toBe(42)
  })

  it('lists all, the active and the inactive', async () => {
    await driver.domainDefineXML(xml('a', uuidA))
    await driver.domainCreateXML(xml('b', uuidB))
    const names = async (filter?: { active?: boolean }): Promise<string[]> =>
      (await driver.connectListAllDomains(filter)).map(({ name }) => name)
    expect(await names()).toEqual(['a', 'b'])
    expect(await names({ active: true })).toEqual(['b'])
    expect(await names({ active: false })).toEqual(['a'])
  })

  it('never gives an id twice', async () => {
    const handle = await driver.domainDefineXML(xml('a', uuidA))
    const ids: number[] = []
    for (let run = 0; run < 3; run++) {
      ids.push((await driver.domainCreate(handle)).id)
      await driver.domainDestroy(handle)
    }
    expect(ids).toEqual([1, 2, 3])
  })
})

describe('life cycle', () => {
  it('starts paused and runs when it is resumed', async () => {
    const handle = await driver.domainDefineXML(xml('a', uuidA))
    await driver.domainCreate(handle, { paused: true })
    expect(await driver.domainGetState(handle)).toEqual({ state: 'paused', reason: 1 })
    await driver.domainResume(handle)
    expect(await driver.domainGetState(handle)).toEqual({ state: 'running', reason: 5 })
    expect(events).toEqual(['a defined 0', 'a started 0', 'a suspended 0', 'a resumed 0'])
  })

  it('pauses what runs and resumes what is paused', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA))
    expect(await driver.domainGetState(handle)).toEqual({ state: 'running', reason: 1 })
    expect(await outcome(driver.domainResume(handle))).toBe(55)
    await driver.domainSuspend(handle)
    expect(await outcome(driver.domainSuspend(handle))).toBe(55)
    await driver.domainDefineXML(xml('a', uuidA))
    await driver.domainDestroy(handle)
    expect(await driver.domainGetState(handle)).toEqual({ state: 'shutoff', reason: 2 })
    expect(await outcome(driver.domainSuspend(handle))).toBe(55)
    expect(await outcome(driver.domainResume(handle))).toBe(55)
  })

  it.each([false, true])('shuts down after the call has returned (paused: %s)', async (paused) => {
    const handle = await driver.domainDefineXML(xml('a', uuidA))
    await driver.domainCreate(handle, { paused })
    events = []
    await driver.domainShutdown(handle)
    await driver.domainShutdown(handle)
    expect(events).toEqual([])
    await clock.advance(1)
    expect(await driver.domainGetState(handle)).toEqual({ state: 'shutoff', reason: 1 })
    expect(events).toEqual(['a stopped 0'])
    expect(await outcome(driver.domainShutdown(handle))).toBe(55)
  })

  it('does not shut down the next run', async () => {
    const handle = await driver.domainDefineXML(xml('a', uuidA))
    await driver.domainCreate(handle)
    await driver.domainShutdown(handle)
    await driver.domainDestroy(handle)
    await driver.domainCreate(handle)
    await clock.advance(1)
    expect((await driver.domainGetState(handle)).state).toBe('running')
  })

  it('starts anew where power-off means restart', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA, '<on_poweroff>restart</on_poweroff>'))
    await driver.domainShutdown(handle)
    await clock.advance(1)
    expect(await described()).toBe('running transient')
  })

  it('counts processor time while it runs', async () => {
    const handle = await driver.domainDefineXML(xml('a', uuidA))
    const cpuTime = async (): Promise<bigint> => (await driver.domainGetInfo(handle)).cpuTime
    expect(await cpuTime()).toBe(0n)
    await driver.domainCreate(handle)
    await clock.advance(5)
    expect(await cpuTime()).toBe(5_000_000n)
    await driver.domainSuspend(handle)
    await clock.advance(5)
    expect(await cpuTime()).toBe(5_000_000n)
    await driver.domainResume(handle)
    await clock.advance(1)
    expect(await cpuTime()).toBe(6_000_000n)
    await driver.domainDestroy(handle)
    expect(await cpuTime()).toBe(0n)
  })

  it('cannot suspend a guest to its RAM, and says so beforehand', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA))
    expect((await driver.connectGetCapabilities()).suspend).toBe(false)
    expect(await outcome(driver.domainPMSuspend(handle))).toBe(3)
    expect(await outcome(driver.domainPMWakeup(handle))).toBe(3)
  })

  it('sends no events after it is closed', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA, `<devices>${console0}</devices>`))
    const { output } = await driver.domainOpenConsole(handle)
    await driver.domainShutdown(handle)
    events = []
    await driver.connectClose()
    await clock.advance(1)
    expect(events).toEqual([])
    expect(await chunks(output)).toEqual([])
    expect(await driver.connectListAllDomains()).toEqual([])
  })
})

describe('resources', () => {
  it('sets memory of a running domain up to its maximum, for this run', async () => {
    const handle = await driver.domainDefineXML(xml('a', uuidA))
    expect(await outcome(driver.domainSetMemory(handle, 500))).toBe(55)
    await driver.domainCreate(handle)
    await driver.domainSetMemory(handle, 500)
    expect(await driver.domainGetInfo(handle)).toMatchObject({ maxMemory: 1000, memory: 500, vcpus: 1 })
    expect(await driver.domainGetXMLDesc(handle)).toContain("<currentMemory unit='KiB'>500</currentMemory>")
    expect(await driver.domainGetXMLDesc(handle, { inactive: true })).toContain("<currentMemory unit='KiB'>1000<")
    for (const memory of [0, -1, 1001, 1.5, Number.NaN]) {
      expect(await outcome(driver.domainSetMemory(handle, memory))).toBe(8)
    }
    await driver.domainDestroy(handle)
    expect((await driver.domainGetInfo(handle)).memory).toBe(1000)
  })

  it('reports the memory of a running domain', async () => {
    const handle = await driver.domainDefineXML(xml('a', uuidA))
    expect(await outcome(driver.domainMemoryStats(handle))).toBe(55)
    await driver.domainCreate(handle)
    expect(await driver.domainMemoryStats(handle)).toEqual({ actual: 1000, rss: 1000 })
    driver.reportMemory(uuidA, { available: 900, usable: 300, lastUpdate: 7 })
    await driver.domainSetMemory(handle, 500)
    expect(await driver.domainMemoryStats(handle)).toEqual({
      actual: 500,
      rss: 500,
      available: 900,
      usable: 300,
      lastUpdate: 7,
    })
    await driver.domainDestroy(handle)
    await driver.domainCreate(handle)
    expect(await driver.domainMemoryStats(handle)).toEqual({ actual: 1000, rss: 1000 })
  })

  it('plays a guest without a driver for its balloon', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA))
    driver.ignoreBalloon(uuidA)
    await driver.domainSetMemory(handle, 500)
    expect(await driver.domainGetInfo(handle)).toMatchObject({ maxMemory: 1000, memory: 1000 })
  })

  it('knows the disks of a running domain', async () => {
    const handle = await driver.domainDefineXML(
      xml(
        'a',
        uuidA,
        "<devices><disk type='file'><driver type='raw'/><source file='/x'/><target dev='vda'/></disk></devices>",
      ),
    )
    expect(await outcome(driver.domainBlockResize(handle, 'vda', 1n))).toBe(55)
    await driver.domainCreate(handle)
    expect(await outcome(driver.domainBlockResize(handle, 'vda', 1n))).toBe(undefined)
    expect(await outcome(driver.domainBlockResize(handle, 'vda', 0n))).toBe(8)
    expect(await outcome(driver.domainBlockResize(handle, 'vdb', 1n))).toBe(8)
  })

  it('refuses domains of other hypervisors, and malformed XML', async () => {
    expect(await outcome(driver.domainDefineXML(xml('a', uuidA).replace("'test'", "'kvm'")))).toBe(67)
    expect(await outcome(driver.domainCreateXML('<domain'))).toBe(35)
    expect(await driver.connectListAllDomains()).toEqual([])
  })
})

describe('console', () => {
  const consoles = `<devices>${console0}<console type='pty'><target type='virtio'/></console></devices>`
  const bytes = Uint8Array.of(1, 2, 3)

  it('echoes, and ends with the domain', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA, consoles))
    const stream = await driver.domainOpenConsole(handle)
    await stream.write(bytes)
    const output = stream.output[Symbol.asyncIterator]()
    expect(await output.next()).toEqual({ value: bytes, done: false })
    await driver.domainDestroy(handle)
    expect((await output.next()).done).toBe(true)
    expect(await outcome(stream.write(bytes))).toBe(55)
  })

  it('is one at a time for each device, unless by force', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA, consoles))
    const first = await driver.domainOpenConsole(handle, 'serial0')
    await driver.domainOpenConsole(handle, 'console0')
    expect(await outcome(driver.domainOpenConsole(handle))).toBe(9)
    const second = await driver.domainOpenConsole(handle, undefined, { force: true })
    expect(await chunks(first.output)).toEqual([])
    second.close()
    await driver.domainOpenConsole(handle)
  })

  it('exists only in a running domain with a console device', async () => {
    const handle = await driver.domainDefineXML(xml('a', uuidA))
    expect(await outcome(driver.domainOpenConsole(handle))).toBe(55)
    await driver.domainCreate(handle)
    expect(await outcome(driver.domainOpenConsole(handle))).toBe(99)
    expect(await outcome(driver.domainOpenConsole(handle, 'serial0'))).toBe(99)
  })

  it('makes a writer wait for a reader', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA, consoles))
    const stream = await driver.domainOpenConsole(handle)
    await stream.write(new Uint8Array(1 << 16))
    let written = false
    const writing = stream.write(bytes).then(() => {
      written = true
    })
    await new Promise(setImmediate)
    expect(written).toBe(false)
    await stream.output[Symbol.asyncIterator]().next()
    await writing
    expect(written).toBe(true)
  })

  it('wakes a waiting writer when it is closed', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA, consoles))
    const stream = await driver.domainOpenConsole(handle)
    await stream.write(new Uint8Array(1 << 16))
    const writing = outcome(stream.write(bytes))
    stream.close()
    expect(await writing).toBe(55)
  })
})

describe('the controls for tests', () => {
  it('make only the next call fail', async () => {
    const handle = await driver.domainDefineXML(xml('a', uuidA))
    driver.failNext('domainCreate', new LibvirtError('INTERNAL_ERROR', 'no'))
    expect(await outcome(driver.domainCreate(handle))).toBe(1)
    expect(await described()).toBe('shutoff persistent')
    await driver.domainCreate(handle)
    driver.failNext('domainGetState', new LibvirtError('INTERNAL_ERROR', 'no'))
    expect(await outcome(driver.domainGetState(handle))).toBe(1)
    expect(events).toEqual(['a defined 0', 'a started 0'])
  })

  it('hold a call back, with all later calls on the same domain', async () => {
    const a = await driver.domainDefineXML(xml('a', uuidA))
    const b = await driver.domainDefineXML(xml('b', uuidB))
    events = []
    const held = driver.holdNext('domainCreate')
    const done: string[] = []
    const starting = driver.domainCreate(a).then(() => done.push('start'))
    await held.reached
    const redefining = driver.domainDefineXML(xml('a', uuidA)).then(() => done.push('define'))
    const ending = driver.domainDestroy(a).then(() => done.push('destroy'))
    await driver.domainCreate(b)
    expect(await driver.domainGetState(a)).toMatchObject({ state: 'shutoff' })
    expect(events).toEqual(['b started 0'])
    held.release()
    await Promise.all([starting, redefining, ending])
    expect(done).toEqual(['start', 'define', 'destroy'])
    expect(events).toEqual(['b started 0', 'a started 0', 'a defined 1', 'a stopped 1'])
  })

  it('notices when a domain has gone while a call waited', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA))
    const held = driver.holdNext('domainSuspend')
    const suspending = outcome(driver.domainSuspend(handle))
    await held.reached
    driver.powerOffDomain(uuidA)
    held.release()
    expect(await suspending).toBe(42)
  })

  it('lets only one of two starts of the same new domain happen', async () => {
    const text = xml('a', uuidA)
    const results = await Promise.all([outcome(driver.domainCreateXML(text)), outcome(driver.domainCreateXML(text))])
    expect(results.filter((result) => result === 55)).toHaveLength(1)
    expect(events).toEqual(['a started 0'])
  })

  it('plays a guest that crashes', async () => {
    const handle = await driver.domainDefineXML(xml('a', uuidA))
    await driver.domainCreate(handle)
    events = []
    driver.crashDomain(uuidA)
    expect(events).toEqual(['a crashed 0', 'a stopped 2'])
    expect(await driver.domainGetState(handle)).toEqual({ state: 'shutoff', reason: 3 })
    expect(() => driver.crashDomain(uuidA)).toThrow(/is not running/)
  })

  it('plays a guest that crashes and is started anew', async () => {
    await driver.domainCreateXML(xml('a', uuidA, '<on_crash>restart</on_crash>'))
    driver.crashDomain(uuidA)
    expect(events).toEqual(['a started 0', 'a crashed 0'])
    expect(await described()).toBe('running transient')
  })

  it('plays a guest that powers off', async () => {
    const handle = await driver.domainDefineXML(xml('a', uuidA))
    await driver.domainCreate(handle)
    events = []
    driver.powerOffDomain(uuidA)
    expect(events).toEqual(['a shutdown 0', 'a stopped 0'])
    expect(await driver.domainGetState(handle)).toEqual({ state: 'shutoff', reason: 1 })
  })

  it('plays a guest that ignores requests to shut down', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA))
    driver.ignoreShutdown(uuidA)
    await driver.domainShutdown(handle)
    await clock.advance(1)
    expect(await described()).toBe('running transient')
  })

  it('plays another client that resumes a domain', async () => {
    const handle = await driver.domainCreateXML(xml('a', uuidA), { paused: true })
    events = []
    driver.externalResume(uuidA)
    expect(events).toEqual(['a resumed 0'])
    expect((await driver.domainGetState(handle)).state).toBe('running')
  })
})

describe('the host', () => {
  it('reports its type and version', async () => {
    expect(driver.type).toBe('TEST')
    expect(await driver.connectGetVersion()).toBe(2)
    expect(await driver.connectGetHostname()).toBe(os.host.name)
    expect(await driver.connectGetCapabilities()).toMatchObject({ domainType: 'test', arch: 'i686', balloon: true })
  })

  it('runs the given domains from the start', async () => {
    const host = new TestDriver('test:///default', { os }, [defaultDomain])
    const handle = await host.domainLookupByID(1)
    expect(handle).toEqual({ name: 'test', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f', id: 1 })
    expect(await host.domainGetInfo(handle)).toEqual({
      state: 'running',
      reason: 0,
      maxMemory: 8_388_608,
      memory: 2_097_152,
      vcpus: 2,
      cpuTime: 0n,
    })
    expect(await host.domainIsPersistent(handle)).toBe(true)
  })

  it('holds 5,000 domains', async () => {
    for (let at = 0; at < 5000; at++) {
      const uuid = `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`
      const handle = await driver.domainDefineXML(xml(`d${at}`, uuid, `<devices>${console0}</devices>`))
      await driver.domainCreate(handle)
      await driver.domainLookupByName(`d${at}`)
      await driver.domainGetState(handle)
    }
    expect(await driver.connectListAllDomains({ active: true })).toHaveLength(5000)
  })
})

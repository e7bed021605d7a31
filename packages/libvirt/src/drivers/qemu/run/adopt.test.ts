import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeOs, type Os } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DomainUnresponsiveError } from '../../../domain-unresponsive-error.ts'
import { stateReasons } from '../../../state-reasons.ts'
import { QemuHarness, qemu, TestConsole } from '../testing/qemu-harness.ts'

describe.skipIf(!qemu)('a new daemon', () => {
  let host: QemuHarness

  beforeEach(async () => {
    host = await QemuHarness.make()
  })

  afterEach(async () => {
    await host[Symbol.asyncDispose]()
  })

  const recordOf = (uuid: string): string => join(host.folder, 'q/state', `${uuid}.json`)

  async function change(uuid: string, change: Record<string, unknown>): Promise<void> {
    const record = JSON.parse(await readFile(recordOf(uuid), 'utf8')) as Record<string, unknown>
    await writeFile(recordOf(uuid), JSON.stringify({ ...record, ...change }))
  }

  const spoil = async (path: string): Promise<void> =>
    writeFile(path, (await readFile(path, 'utf8')).replaceAll('</domain>', ''))

  it('adopts guests that run, without an effect on them', async () => {
    const { domain, console } = await host.boot({ name: 'a' })
    const before = await host.processes()
    await host.reopen()
    await console.ended
    expect(await host.processes()).toEqual(before)
    expect(await host.driver.connectListAllDomains({ active: true })).toEqual([domain])
    expect(await host.driver.domainGetState(domain)).toEqual({ state: 'running', reason: stateReasons.running.unknown })
    expect(await host.driver.domainIsPersistent(domain)).toBe(true)
    const again = new TestConsole(await host.driver.domainOpenConsole(domain))
    await again.type('still here')
    await again.until('still here')
    await again.type('P')
    await host.untilEvents('a shutdown/guest', 'a stopped/shutdown')
    expect(await host.left('run')).toEqual([])
    expect(await host.left('state')).toEqual([])
    expect((await host.driver.domainCreate(domain)).id).toBe(2)
  })

  it('adopts paused guests, and destroys them', async () => {
    const domain = await host.driver.domainCreate(await host.define({ name: 'a' }), { paused: true })
    await host.reopen()
    expect(await host.driver.domainGetState(domain)).toEqual({
      state: 'paused',
      reason: stateReasons.paused.startingUp,
    })
    await host.driver.domainDestroy(domain)
    expect(host.events.at(-1)).toBe('a stopped/destroyed')
    expect(await host.processes()).toEqual([])
  })

  it('is told of the end of a guest that it has adopted, also when QEMU is killed', async () => {
    await host.boot({ name: 'a' })
    await host.reopen()
    const [pid = 0] = await host.processes()
    process.kill(pid, 'SIGKILL')
    await host.untilEvents('a stopped/failed')
  })

  it('keeps what was defined while the domain ran', async () => {
    const { domain } = await host.boot({ name: 'a' })
    const xml = await host.driver.domainGetXMLDesc(domain, { inactive: true })
    await host.driver.domainDefineXML(xml.replace(/<memory unit='KiB'>\d+/, "<memory unit='KiB'>131072"))
    await host.reopen()
    expect(await host.driver.domainGetXMLDesc(domain, { inactive: true })).toContain("<memory unit='KiB'>131072<")
    expect(await host.driver.domainGetXMLDesc(domain)).toContain("<memory unit='KiB'>65536<")
    await host.driver.domainUndefine(domain)
    await host.reopen()
    expect(await host.driver.domainIsPersistent(domain)).toBe(false)
  })

  it('finds a guest that ended meanwhile inactive, and nothing left of it', async () => {
    const { domain } = await host.boot({ name: 'a' })
    await host.driver.connectClose()
    const [pid = 0] = await host.processes()
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => host.processes()).toEqual([])
    await host.reopen()
    expect(await host.driver.connectListAllDomains()).toEqual([{ ...domain, id: -1 }])
    expect(await host.left('run')).toEqual([])
    expect(await host.left('state')).toEqual([])
    expect(host.events.filter((event) => event.includes('stopped'))).toEqual([])
    expect((await host.driver.domainCreate(domain)).id).toBeGreaterThan(0)
  })

  it('leaves a process alone that has the number of a QEMU', async () => {
    const { domain } = await host.boot({ name: 'a' })
    const pids = await host.processes()
    await host.driver.connectClose()
    await change(domain.uuid, { process: { pid: pids[0], startTime: '1' }, groups: [] })
    await host.reopen()
    expect(await host.processes()).toEqual(pids)
    expect(await host.driver.connectListAllDomains({ active: true })).toEqual([])
  })

  it('knows that no guest outlives a boot of the host', async () => {
    const { domain } = await host.boot({ name: 'a' })
    const pids = await host.processes()
    await host.driver.connectClose()
    await change(domain.uuid, { bootId: 'another boot', groups: [] })
    await host.reopen()
    expect(await host.processes()).toEqual(pids)
    expect(await host.driver.connectListAllDomains({ active: true })).toEqual([])
  })

  it.each(['nonsense', '{}', '{"uuid":"x"}', '[]', ''])('leaves a damaged record alone: %s', async (content) => {
    const path = recordOf('11111111-2222-4333-8444-555555555555')
    await host.driver.connectClose()
    await writeFile(path, content)
    await host.reopen()
    expect(await readFile(path, 'utf8')).toBe(content)
    expect(host.logged).toContain('error a running domain cannot be adopted: its record cannot be read')
    await host.boot()
  })

  it.each([
    ['is damaged', (path: string) => writeFile(path, 'nonsense')],
    ['is lost', (path: string) => rm(path)],
    ['holds a configuration that cannot be read', (path: string) => spoil(path)],
  ])('shows a guest whose record %s, and can destroy it', async (_what, damage) => {
    const { domain } = await host.boot({ name: 'a.b' })
    const { domain: other } = await host.boot({ name: 'other' })
    await host.driver.connectClose()
    await damage(recordOf(domain.uuid))
    await host.reopen()
    const shown = await host.driver.domainLookupByName('a.b')
    expect(shown).toMatchObject({ uuid: domain.uuid })
    expect(shown.id).toBeGreaterThan(0)
    expect(await host.driver.connectListAllDomains({ active: true })).toHaveLength(2)
    expect(await host.driver.domainGetState(shown)).toMatchObject({ state: 'nostate' })
    await expect(host.driver.domainSuspend(shown)).rejects.toThrow(DomainUnresponsiveError)
    await host.driver.domainDestroy(shown)
    expect(host.events.at(-1)).toBe('a.b stopped/destroyed')
    expect(await host.processes()).toHaveLength(1)
    expect(await host.left('state')).toEqual([`${other.uuid}.json`])
    expect(await host.left('run')).toHaveLength(1)
    expect((await host.driver.domainCreateXML(await host.xml({ name: 'a.b', uuid: domain.uuid }))).id).toBeGreaterThan(
      2,
    )
  })

  it('removes what was never finished', async () => {
    await host.driver.connectClose()
    await writeFile(`${recordOf('11111111-2222-4333-8444-555555555555')}~1-1`, '')
    await host.reopen()
    expect(await host.left('state')).toEqual([])
  })

  describe('finds a QEMU that does not answer', () => {
    it('and can destroy it, but do nothing else with it', async () => {
      const { domain } = await host.boot({ name: 'a' })
      await host.driver.connectClose()
      const [pid = 0] = await host.processes()
      process.kill(pid, 'SIGSTOP')
      await host.reopen()
      expect(await host.driver.connectListAllDomains({ active: true })).toEqual([domain])
      expect(await host.driver.domainGetState(domain)).toEqual({ state: 'nostate', reason: 0 })
      for (const call of ['domainSuspend', 'domainResume', 'domainShutdown', 'domainPMWakeup'] as const)
        await expect(host.driver[call](domain)).rejects.toThrow(DomainUnresponsiveError)
      await expect(host.driver.domainSetMemory(domain, 1024)).rejects.toThrow(
        "Timed out during operation: QEMU of domain 'a' does not answer: its monitor cannot be reached",
      )
      await host.driver.domainDestroy(domain)
      expect(await host.processes()).toEqual([])
      expect(host.events.at(-1)).toBe('a stopped/destroyed')
      expect(await host.left('state')).toEqual([])
    })

    it.each([
      ['running', 'a resumed/unpaused'],
      ['paused', 'a suspended/paused'],
    ])('and adopts it when it answers again: %s', async (state, event) => {
      const { domain } = await host.boot({ name: 'a' })
      if (state === 'paused') await host.driver.domainSuspend(domain)
      await host.driver.connectClose()
      const [pid = 0] = await host.processes()
      process.kill(pid, 'SIGSTOP')
      await host.reopen()
      host.events.length = 0
      process.kill(pid, 'SIGCONT')
      await host.untilEvents(event)
      expect(await host.driver.domainGetState(domain)).toMatchObject({ state })
      await (state === 'paused' ? host.driver.domainResume(domain) : host.driver.domainSuspend(domain))
      await host.driver.domainDestroy(domain)
      expect(await host.left('state')).toEqual([])
    })

    it('and does not wait for each of several', async () => {
      for (const name of ['a', 'b', 'c', 'd']) await host.boot({ name })
      await host.driver.connectClose()
      for (const pid of (await host.processes()).slice(1)) process.kill(pid, 'SIGSTOP')
      const before = performance.now()
      await host.reopen()
      expect(performance.now() - before).toBeLessThan(15_000)
      const active = await host.driver.connectListAllDomains({ active: true })
      const states = await Promise.all(active.map((domain) => host.driver.domainGetState(domain)))
      expect(states.map(({ state }) => state).sort()).toEqual(['nostate', 'nostate', 'nostate', 'running'])
      await Promise.all(active.map((domain) => host.driver.domainDestroy(domain)))
      expect(await host.processes()).toEqual([])
    })

    it('and leaves it alone when the connection is closed', async () => {
      const { domain } = await host.boot({ name: 'a' })
      await host.driver.connectClose()
      const [pid = 0] = await host.processes()
      process.kill(pid, 'SIGSTOP')
      await host.reopen()
      await host.reopen()
      process.kill(pid, 'SIGCONT')
      await expect.poll(async () => (await host.driver.domainGetState(domain)).state).toBe('running')
    })
  })
})

describe.skipIf(!qemu)('a daemon that dies during a start', () => {
  it.each([
    ['before QEMU runs', false],
    ['when QEMU runs but no record says so', true],
  ])('leaves nothing: %s', async (_when, runs) => {
    const { os, died } = dyingOs(runs)
    await using host = await QemuHarness.make(os)
    const domain = await host.define({ name: 'a' })
    void host.driver.domainCreate(domain)
    await died
    expect(await host.left('state')).toEqual([`${domain.uuid}.json`])
    expect(await host.processes()).toHaveLength(runs ? 1 : 0)
    await host.reopen(nodeOs())
    expect(await host.processes()).toEqual([])
    expect(await host.left('run')).toEqual([])
    expect(await host.left('state')).toEqual([])
    expect(await host.driver.connectListAllDomains()).toEqual([{ ...domain, id: -1 }])
    expect((await host.driver.domainCreate(domain)).id).toBeGreaterThan(0)
  })

  it('leaves nothing: when QEMU stands ready but the guest was never let go', async () => {
    await using host = await QemuHarness.make()
    const domain = await host.driver.domainCreate(await host.define({ name: 'a' }), { paused: true })
    const path = join(host.folder, 'q/state', `${domain.uuid}.json`)
    await writeFile(path, (await readFile(path, 'utf8')).replace('"paused":true', '"paused":false'))
    await host.reopen()
    expect(await host.processes()).toEqual([])
    expect(await host.driver.connectListAllDomains()).toEqual([{ ...domain, id: -1 }])
  })
})

/** The machine of a daemon that dies before QEMU is started, or before it learns that QEMU was started. */
function dyingOs(runs: boolean): { readonly os: Os; readonly died: Promise<void> } {
  const os = nodeOs()
  const died = Promise.withResolvers<void>()
  const startDetached: Os['processes']['startDetached'] = async (command, options) => {
    if (runs) await os.processes.startDetached(command, options)
    died.resolve()
    return Promise.withResolvers<never>().promise
  }
  const processes = Object.assign(Object.create(os.processes) as Os['processes'], { startDetached })
  return { os: { ...os, processes }, died: died.promise }
}

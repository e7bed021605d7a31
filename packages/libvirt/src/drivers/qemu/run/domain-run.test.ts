import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeOs, type Os } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DomainUnresponsiveError } from '../../../domain-unresponsive-error.ts'
import type { DomainHandle } from '../../../driver.ts'
import { stateReasons } from '../../../state-reasons.ts'
import { QemuHarness, qemu } from '../testing/qemu-harness.ts'

/** A user who may not give QEMU a user of its own, so that the program in its place can be read. */
function unprivileged(): Os {
  const os = nodeOs()
  return { ...os, host: { ...os.host, uid: 1000 } }
}

/** The same machine, on whose clocks time passes faster. */
function hurried(os: Os, factor: number): Os {
  const { clock } = os
  return {
    ...os,
    clock: {
      now: () => clock.now(),
      monotonic: () => clock.monotonic() * factor,
      sleep: (ms, signal) => clock.sleep(ms / factor, signal),
      after: (ms, work) => clock.after(ms / factor, work),
    },
  }
}

describe.skipIf(!qemu)('a run whose QEMU misbehaves', () => {
  let host: QemuHarness

  beforeEach(async () => {
    host = await QemuHarness.make(unprivileged())
  })

  afterEach(async () => {
    await host[Symbol.asyncDispose]()
  })

  async function define(way: string): Promise<DomainHandle> {
    const emulator = join(host.folder, 'emulator')
    const program = join(import.meta.dirname, '../testing/fake-qemu.mjs')
    await writeFile(emulator, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 })
    return host.define({ name: way, devices: `<emulator>${emulator}</emulator>` })
  }

  it.each(['lies-later', 'counts-wrong', 'nests'])('is ended when it does not speak QMP any more: %s', async (way) => {
    const domain = await define(way)
    await host.driver.domainCreate(domain).catch(() => {})
    await host.untilEvents(`${way} stopped/failed`)
    expect(host.events.filter((event) => event.includes('stopped'))).toHaveLength(1)
    expect(host.logged).toContain('error a domain is ended, as its QEMU cannot be trusted')
    expect(await host.processes()).toEqual([])
    expect(await host.left('run')).toEqual([])
  })

  it('does not start when the monitor hangs up, and leaves nothing', async () => {
    const domain = await define('hangs-up')
    await expect(host.driver.domainCreate(domain)).rejects.toThrow("QEMU's monitor")
    expect(host.events).toEqual(['hangs-up defined/added'])
    expect(await host.processes()).toEqual([])
    expect(await host.left('state')).toEqual([])
  })

  it('is ended when the guest cannot be resumed', async () => {
    const domain = await define('refuses-to-go')
    await expect(host.driver.domainCreate(domain)).rejects.toThrow('not today')
    expect(host.events.slice(1)).toEqual(['refuses-to-go started/booted', 'refuses-to-go stopped/failed'])
    expect(await host.processes()).toEqual([])
  })

  it('has no more memory than its machine, whatever QEMU says', async () => {
    const domain = await define('boasts-of-memory')
    await host.driver.domainCreate(domain)
    expect((await host.driver.domainGetInfo(domain)).memory).toBe(65_536)
  })

  it.each([
    ['makes-no-monitor', 'it has not made its monitor within 30 s'],
    ['does-not-greet', 'its monitor has not greeted within 30 s'],
  ])('does not start when it does not answer, and leaves nothing: %s', async (way, why) => {
    await host.reopen(hurried(host.os, 10))
    const domain = await define(way)
    const error = await host.driver.domainCreate(domain).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(DomainUnresponsiveError)
    expect(error).toMatchObject({ str2: `QEMU of domain '${way}' does not answer: ${why}` })
    expect(await host.processes()).toEqual([])
    expect(await host.left('state')).toEqual([])
  })

  it('can be ended when it does not answer any more, and says at once that it does not', async () => {
    await host.reopen(hurried(host.os, 10))
    const domain = await define('answers-no-more')
    await host.driver.domainCreate(domain)
    const text = "QEMU of domain 'answers-no-more' does not answer: QEMU has not answered 'system_powerdown' for"
    await expect(host.driver.domainShutdown(domain)).rejects.toThrow(`${text} 10 s`)
    await expect(host.driver.domainSetMemory(domain, 1024)).rejects.toThrow(text)
    await expect(host.driver.domainMemoryStats(domain)).rejects.toThrow(DomainUnresponsiveError)
    const log = await readFile(join(host.folder, 'q/log', `${domain.uuid}.log`), 'utf8')
    expect(log.trim().split('\n')).toEqual(['qmp_capabilities', 'cont', 'system_powerdown'])
    await host.driver.domainDestroy(domain)
    expect(host.events.at(-1)).toBe('answers-no-more stopped/destroyed')
    expect(await host.processes()).toEqual([])
  })

  it('presses the power button of the guest each time that it is asked to', async () => {
    const domain = await define('obeys')
    await host.driver.domainCreate(domain, { paused: true })
    await host.driver.domainShutdown(domain)
    await host.driver.domainResume(domain)
    for (let time = 0; time < 3; time++) await host.driver.domainShutdown(domain)
    const log = await readFile(join(host.folder, 'q/log', `${domain.uuid}.log`), 'utf8')
    expect(log.match(/^system_powerdown$/gm)).toHaveLength(4)
  })

  it('tells every change in order', async () => {
    const domain = await define('changes-often')
    await host.driver.domainCreate(domain)
    const changes = host.events.slice(2)
    expect(changes.length).toBe(97)
    expect(changes.every((event, at) => event.endsWith(at % 2 === 0 ? 'resumed/unpaused' : 'suspended/paused'))).toBe(
      true,
    )
  })

  it('is ended when QEMU floods its monitor with changes, and says so', async () => {
    const domain = await define('floods')
    await host.driver.domainCreate(domain).catch(() => {})
    await host.untilEvents('floods stopped/failed')
    expect(host.events.length).toBeLessThan(150)
    expect(await host.driver.domainGetState(domain)).toEqual({
      state: 'shutoff',
      reason: stateReasons.shutoff.failed,
      why: expect.stringContaining('QEMU told of more than 100 changes of state at once'),
    })
    expect(host.whys.at(-1)).toContain('QEMU told of more than 100 changes')
  })

  it('may be paused and resumed by its user as often as its user likes', async () => {
    const domain = await define('obeys')
    await host.driver.domainCreate(domain, { paused: true })
    for (let round = 0; round < 200; round++) {
      await host.driver.domainResume(domain)
      await host.driver.domainSuspend(domain)
    }
    expect(host.events.filter((event) => event.endsWith('suspended/paused'))).toHaveLength(201)
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DomainUnresponsiveError } from '../../../domain-unresponsive-error.ts'
import type { DomainHandle } from '../../../driver.ts'
import { QemuHarness, qemu } from '../testing/qemu-harness.ts'

describe.skipIf(!qemu)('a QEMU that is stopped', () => {
  let host: QemuHarness
  let domain: DomainHandle
  let pid: number

  beforeEach(async () => {
    host = await QemuHarness.make()
    domain = (await host.boot({ name: 'stuck' })).domain
    pid = (await host.processes())[0] ?? 0
  })

  afterEach(async () => {
    await host[Symbol.asyncDispose]()
  })

  const failure = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => undefined,
      (error: unknown) => error,
    )

  it('delays no other domain, is named in the error, and is used again when it answers', async () => {
    const { domain: other } = await host.boot({ name: 'other' })
    process.kill(pid, 'SIGSTOP')
    let isOver = false
    const suspended = failure(host.driver.domainSuspend(domain)).finally(() => (isOver = true))
    await host.driver.domainSuspend(other)
    await host.driver.domainResume(other)
    expect(isOver).toBe(false)
    const error = await suspended
    expect(error).toBeInstanceOf(DomainUnresponsiveError)
    expect(error).toMatchObject({
      kind: 'OPERATION_TIMEOUT',
      str2: "QEMU of domain 'stuck' does not answer: QEMU has not answered 'stop' for 10 s",
    })
    const before = performance.now()
    expect(await failure(host.driver.domainShutdown(domain))).toBeInstanceOf(DomainUnresponsiveError)
    expect(performance.now() - before).toBeLessThan(5000)
    process.kill(pid, 'SIGCONT')
    await host.untilEvents('stuck suspended/paused')
    await host.driver.domainResume(domain)
  })

  it('is ended while calls wait for it', async () => {
    process.kill(pid, 'SIGSTOP')
    const calls = [
      host.driver.domainSuspend(domain),
      host.driver.domainShutdown(domain),
      host.driver.domainMemoryStats(domain),
      host.driver.domainSetMemory(domain, 1024),
    ].map(failure)
    await host.driver.domainDestroy(domain)
    for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(Error)
    expect(host.events.at(-1)).toBe('stuck stopped/destroyed')
    expect(await host.processes()).toEqual([])
    expect(await host.left('state')).toEqual([])
    await host.driver.domainCreate(domain)
  })

  it('does not keep the connection from being closed', async () => {
    process.kill(pid, 'SIGSTOP')
    const calls = [host.driver.domainSuspend(domain), host.driver.domainShutdown(domain)].map(failure)
    await host.driver.connectClose()
    for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(Error)
    expect(await host.processes()).toEqual([pid])
    process.kill(pid, 'SIGCONT')
    await host.reopen()
    expect(await host.driver.domainGetState(domain)).toMatchObject({ state: 'running' })
  })

  it('does not keep a call to end it waiting when the connection is closed', async () => {
    process.kill(pid, 'SIGSTOP')
    const destroyed = failure(host.driver.domainDestroy(domain))
    await host.driver.connectClose()
    expect(await destroyed).toMatchObject({ kind: 'OPERATION_ABORTED' })
    await host.reopen()
    expect(await host.left('state')).toEqual([])
  })
})

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { QemuHarness, qemu } from '../testing/qemu-harness.ts'

const rounds = 12

describe.skipIf(!qemu)('a daemon that is killed at any moment', { timeout: 240_000 }, () => {
  it('leaves to the next one every QEMU that runs, and nothing else', async () => {
    await using host = await QemuHarness.make()
    const definitions = await Promise.all(
      ['a', 'b', 'c'].map((name, at) => host.xml({ name, uuid: `11111111-2222-4333-8444-55555555555${at}` })),
    )
    let taken = 0
    for (let round = 0; round < rounds; round++) {
      await host.driver.connectClose()
      const daemon = await startDaemon(host.uri, definitions)
      // Over the rounds this is spread over a start, and over a run and an end.
      if (round % 2 === 1) await hasSaid(daemon, 'runs')
      await delay(round * 15)
      daemon.kill('SIGKILL')
      await once(daemon, 'exit')
      await host.reopen()
      // A QEMU that was about to end may still be on its way.
      await expect.poll(() => counts(host), { timeout: 10_000 }).toMatch(/^(\d) \1 \1 \1$/)
      const active = await host.driver.connectListAllDomains({ active: true })
      for (const domain of active) expect((await host.driver.domainGetState(domain)).state).not.toBe('nostate')
      taken += active.length
    }
    expect(taken).toBeGreaterThan(0)
    expect(host.logged.filter((line) => line.startsWith('error'))).toEqual([])
  })
})

/** How many domains run, by the driver, the kernel, the records and the run folders. */
async function counts(host: QemuHarness): Promise<string> {
  const active = await host.driver.connectListAllDomains({ active: true })
  const lists = await Promise.all([host.processes(), host.left('state'), host.left('run')])
  return [active, ...lists].map((list) => list.length).join(' ')
}

async function startDaemon(uri: string, definitions: readonly string[]): Promise<ChildProcess> {
  const program = join(import.meta.dirname, '../testing/churn.ts')
  const args = ['--conditions=@cloister/source', program, uri, ...definitions]
  const daemon = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await hasSaid(daemon, 'open')
  return daemon
}

/** Waits until the daemon prints a word. */
async function hasSaid({ stdout }: ChildProcess, word: string): Promise<void> {
  while (stdout && !String((await once(stdout, 'data'))[0]).includes(word));
}

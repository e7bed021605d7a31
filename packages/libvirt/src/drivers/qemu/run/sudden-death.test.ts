import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { QemuHarness, qemu } from '../testing/qemu-harness.ts'

const rounds = 12

describe.skipIf(!qemu)('a daemon that is killed at any moment', () => {
  it('leaves to the next one every QEMU that runs, and nothing else', async () => {
    await using host = await QemuHarness.make()
    const definitions = await Promise.all(
      ['a', 'b', 'c'].map((name, at) => host.xml({ name, uuid: `11111111-2222-4333-8444-55555555555${at}` })),
    )
    let taken = 0
    for (let round = 0; round < rounds; round++) {
      await host.driver.connectClose()
      const daemon = await startDaemon(host.uri, definitions)
      // Over the rounds this is spread over a start, a run and an end.
      await delay(round * 30)
      daemon.kill('SIGKILL')
      await once(daemon, 'exit')
      await host.reopen()
      const active = await host.driver.connectListAllDomains({ active: true })
      expect(await host.processes()).toHaveLength(active.length)
      expect(await host.left('state')).toHaveLength(active.length)
      expect(await host.left('run')).toHaveLength(active.length)
      for (const domain of active) expect((await host.driver.domainGetState(domain)).state).not.toBe('nostate')
      taken += active.length
    }
    expect(taken).toBeGreaterThan(0)
    expect(host.logged.filter((line) => line.startsWith('error'))).toEqual([])
  })
})

async function startDaemon(uri: string, definitions: readonly string[]): Promise<ChildProcess> {
  const program = join(import.meta.dirname, '../testing/churn.ts')
  const args = ['--conditions=@cloister/source', program, uri, ...definitions]
  const daemon = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(daemon.stdout, 'data')
  return daemon
}

import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ModelledClock, nodeOs } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { QemuHarness, qemu } from '../testing/qemu-harness.ts'
import { LogKeeper } from './log-keeper.ts'

describe.skipIf(!qemu)('LogKeeper', () => {
  it('empties a log that is too long, while the guest keeps writing to it', async () => {
    await using host = await QemuHarness.make()
    const { domain, console } = await host.boot()
    const path = `${host.folder}/q/log/${domain.uuid}.console.log`
    const keeper = new LogKeeper(
      host.os,
      () => {},
      () => ['/nowhere', path],
    )
    await keeper.look()
    const before = (await stat(path)).size
    expect(before).toBeGreaterThan(0)
    await truncate(path, 5 << 20)
    await keeper.look()
    keeper.close()
    await console.type('more')
    await console.until('more')
    expect((await stat(path)).size).toBe(4)
  })
})

describe('LogKeeper, of a log that grows fast', () => {
  it('looks more often, and tells of it once in a while', async () => {
    const clock = new ModelledClock()
    const folder = await mkdtemp(join(tmpdir(), 'cloister-logs-'))
    const path = join(folder, 'a.log')
    let looks = 0
    const logged: string[] = []
    const paths = (): string[] => {
      looks++
      return [path]
    }
    const keeper = new LogKeeper({ ...nodeOs(), clock }, (_level, message) => void logged.push(message), paths)
    try {
      for (let second = 0; second < 60; second++) {
        await writeFile(path, '')
        await truncate(path, 5 << 20)
        const before = looks
        const isDue = second >= 9
        clock.advance(1000)
        if (isDue) await expect.poll(() => stat(path).then(({ size }) => size)).toBe(0)
        // The next look is planned when this one is over.
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
        expect(looks - before).toBe(isDue ? 1 : 0)
      }
      expect(logged).toHaveLength(1)
    } finally {
      keeper.close()
      await rm(folder, { recursive: true })
    }
  })
})

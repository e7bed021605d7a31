import { stat, truncate } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { QemuHarness, qemu } from '../testing/qemu-harness.ts'
import { LogKeeper } from './log-keeper.ts'

describe.skipIf(!qemu)('LogKeeper', () => {
  it('empties a log that is too long, while the guest goes on writing to it', async () => {
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

import { readFile, stat } from 'node:fs/promises'
import { nodeOs } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { QemuHarness, qemu, TestConsole } from '../testing/qemu-harness.ts'
import { findFirmware } from './firmware.ts'

const firmware = await findFirmware(nodeOs().files)
if (!firmware) console.warn('skipped: UEFI firmware is not installed (apt install ovmf)')

describe.skipIf(!qemu || !firmware)('UEFI firmware', () => {
  it('starts, and has variables of its own that stay', async () => {
    await using host = await QemuHarness.make()
    expect((await host.driver.connectGetCapabilities()).firmware).toEqual(['bios', 'efi'])
    const xml = (await host.xml({ name: 'a' })).replace('<os>', "<os firmware='efi'>")
    const defined = await host.driver.domainDefineXML(xml)
    const domain = await host.driver.domainCreate(defined, { paused: true })
    const console = new TestConsole(await host.driver.domainOpenConsole(domain))
    await host.driver.domainResume(domain)
    await console.until('BdsDxe', 50_000)
    await host.driver.domainDestroy(domain)
    const path = `${host.folder}/q/nvram/${domain.uuid}.fd`
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const written = await readFile(path)
    expect(written.equals(await readFile(firmware?.variables ?? ''))).toBe(false)
    await host.driver.domainCreate(domain)
    await host.driver.domainDestroy(domain)
    await host.driver.domainUndefine(domain)
    expect(await host.left('nvram')).toEqual([])
  })
})

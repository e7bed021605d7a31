import { copyFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DomainHandle } from '../../driver.ts'
import { stateReasons } from '../../state-reasons.ts'
import { monitorSocket } from './machine/arguments.ts'
import { portPlace } from './machine/pci-slots.ts'
import { Places } from './places.ts'
import { diskXml, QemuHarness, qemu, TestConsole } from './testing/qemu-harness.ts'
import { RawMonitor } from './testing/raw-monitor.ts'

const guest = join(import.meta.dirname, '../../../../../.cache/guest')
const hasGuest = (await stat(join(guest, 'root.img')).catch(() => undefined)) !== undefined
if (!hasGuest) console.warn('skipped: there is no test guest (node scripts/prepare.mjs test)')

describe.skipIf(!qemu || !hasGuest)('a Linux guest', () => {
  let host: QemuHarness
  let domain: DomainHandle
  let console: TestConsole

  beforeAll(async () => {
    host = await QemuHarness.make()
    const disks: string[] = []
    for (const [at, role] of ['root', 'private', 'volatile', 'kernel'].entries()) {
      const path = join(host.folder, `${role}.img`)
      if (role === 'root') await copyFile(join(guest, 'root.img'), path)
      else await writeFile(path, '', { mode: 0o600 }).then(() => truncate(path, 64 << 20))
      const more = `<serial>${role}</serial>${role === 'kernel' ? '<readonly/>' : ''}`
      disks.push(diskXml({ path, target: `vd${'abcd'[at]}`, more }))
    }
    const network = `<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>`
    const rng = `<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>`
    const defined = await host.define({
      name: 'linux',
      image: null,
      os: `<kernel>${guest}/kernel/vmlinuz</kernel><initrd>${guest}/kernel/initramfs</initrd>
        <cmdline>root=/dev/vda rw console=ttyS0 quiet</cmdline>`,
      memory: `<currentMemory unit='MiB'>96</currentMemory>`,
      maxMemory: 128,
      devices: `${disks.join('')}${network}${rng}`,
    })
    domain = await host.driver.domainCreate(defined, { paused: true })
    console = new TestConsole(await host.driver.domainOpenConsole(domain))
    await host.driver.domainResume(domain)
    await console.until('cloister:/# ', 60_000)
  })

  afterAll(() => host[Symbol.asyncDispose]())

  /** What a command prints. */
  async function run(command: string): Promise<string> {
    const before = console.text.length
    await console.type(`${command}; echo "e""nd"\n`)
    await expect.poll(() => console.text.slice(before), { timeout: 20_000, interval: 10 }).toMatch(/^end\r$/m)
    const lines = console.text.slice(before).split('\r\n')
    return lines.slice(1, lines.indexOf('end')).join('\n')
  }

  it('finds its disks by role', async () => {
    const found = await run('cd /sys/block; for d in vd*; do echo $d $(cat $d/serial) $(cat $d/ro); done')
    expect(found).toContain('vda root 0\nvdb private 0\nvdc volatile 0\nvdd kernel 1')
  })

  it('has a balloon that has been filled', async () => {
    await expect.poll(async () => (await host.driver.domainGetInfo(domain)).memory, { timeout: 20_000 }).toBe(96 * 1024)
    await host.driver.domainSetMemory(domain, 112 * 1024)
    await expect
      .poll(async () => (await host.driver.domainGetInfo(domain)).memory, { timeout: 20_000 })
      .toBe(112 * 1024)
    expect(await host.driver.domainGetXMLDesc(domain)).toContain(`<currentMemory unit='KiB'>${112 * 1024}<`)
  })

  it('reports its memory once it is asked to', async () => {
    const first = await host.driver.domainMemoryStats(domain)
    expect(first.rss).toBeGreaterThan(20 * 1024)
    await expect
      .poll(async () => (await host.driver.domainMemoryStats(domain)).lastUpdate, { timeout: 20_000 })
      .toBeGreaterThan(Date.now() / 1000 - 60)
    const stats = await host.driver.domainMemoryStats(domain)
    expect(stats.actual).toBe(112 * 1024)
    expect(stats.available).toBeGreaterThan(50 * 1024)
    expect(stats.usable).toBeGreaterThan(0)
    expect(stats.usable).toBeLessThan(stats.available ?? 0)
  })

  it('sees a disk grow', async () => {
    await truncate(join(host.folder, 'volatile.img'), 80 << 20)
    await host.driver.domainBlockResize(domain, 'vdc', 80n << 20n)
    await expect.poll(() => run('cat /sys/block/vdc/size')).toBe(`${(80 << 20) / 512}`)
  })

  it('gives back what it has written and deleted', async () => {
    const image = join(host.folder, 'private.img')
    await run('dd if=/dev/urandom of=/rw/big bs=1M count=8 2>/dev/null; sync')
    const full = (await stat(image)).blocks
    await run('rm /rw/big; sync; fstrim /rw')
    expect((await stat(image)).blocks).toBeLessThan(full - (7 << 20) / 512)
  })

  it('names devices by their kind and index', async () => {
    const found = await run(
      'cd /sys/block; for d in vd*; do readlink -f $d/device; done; readlink -f /sys/class/net/e*/device',
    )
    const buses = [...found.matchAll(/pci0000:00\/0000:(00:\S{4})\/0000:(\S{2}:00\.0)/g)]
    expect(buses.map(([, port]) => port)).toEqual(['00:10.0', '00:10.1', '00:10.2', '00:10.3', '00:04.0'])
    expect(buses.map(([, , device]) => device)).toEqual(['09:00.0', '0a:00.0', '0b:00.0', '0c:00.0', '01:00.0'])
  })

  it('gets a disk while it runs, in a port that was empty, and keeps it under a driver that opens anew', async () => {
    await host.driver.connectClose()
    const places = new Places(join(host.folder, 'q'))
    const monitor = await RawMonitor.connect(join(places.runFolder(domain.uuid), monitorSocket))
    const blank = { driver: 'null-co', 'node-name': 'plugged', size: 1 << 20, 'read-zeroes': true }
    await monitor.execute('blockdev-add', blank)
    await monitor.execute('device_add', {
      driver: 'virtio-blk-pci',
      id: 'plugged0',
      drive: 'plugged',
      serial: 'plugged',
      ...portPlace('spare', 0),
    })
    monitor.close()
    await host.reopen()
    console = new TestConsole(await host.driver.domainOpenConsole(domain))
    await expect
      .poll(() => run('cat /sys/block/vde/serial; readlink -f /sys/block/vde/device'), { timeout: 20_000 })
      .toMatch(/plugged[\s\S]*0000:00:18\.0/)
  })

  it('heeds the power button', async () => {
    await host.driver.domainShutdown(domain)
    await host.untilEvents('linux shutdown/guest', 'linux stopped/shutdown')
    await console.ended
    expect(await host.driver.domainGetState(domain)).toEqual({
      state: 'shutoff',
      reason: stateReasons.shutoff.shutdown,
    })
    await rm(join(host.folder, 'root.img'))
  })
})

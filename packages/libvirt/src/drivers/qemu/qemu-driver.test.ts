import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeOs } from '@cloister/os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stateReasons } from '../../state-reasons.ts'
import { diskXml, QemuHarness, qemu, TestConsole } from './testing/qemu-harness.ts'

describe.skipIf(!qemu)('QemuDriver', () => {
  let host: QemuHarness

  beforeEach(async () => {
    host = await QemuHarness.make()
  })

  afterEach(async () => {
    await host[Symbol.asyncDispose]()
  })

  it('starts a guest, which runs, and ends it', async () => {
    const { domain, console } = await host.boot({ name: 'work' })
    expect(domain.id).toBe(1)
    await console.type('hello')
    await console.until('hello')
    const info = await host.driver.domainGetInfo(domain)
    expect(info).toMatchObject({ state: 'running', reason: stateReasons.running.unpaused, maxMemory: 65_536, vcpus: 1 })
    expect(info.cpuTime).toBeGreaterThan(0n)
    await host.driver.domainDestroy(domain)
    await console.ended
    expect(await host.driver.domainGetState(domain)).toEqual({
      state: 'shutoff',
      reason: stateReasons.shutoff.destroyed,
    })
    expect(host.events).toEqual([
      'work defined/added',
      'work started/booted',
      'work suspended/paused',
      'work resumed/unpaused',
      'work stopped/destroyed',
    ])
    expect(await host.processes()).toEqual([])
    expect(await host.left('run')).toEqual([])
    expect(await host.left('state')).toEqual([])
  })

  it('starts without a pause when none is asked for', async () => {
    const domain = await host.define({ name: 'a' })
    const started = await host.driver.domainCreate(domain)
    expect(await host.driver.domainGetState(started)).toEqual({ state: 'running', reason: stateReasons.running.booted })
    await host.untilEvents('a defined/added', 'a started/booted', 'a resumed/unpaused')
    await expect(host.driver.domainCreate(domain)).rejects.toMatchObject({ kind: 'OPERATION_INVALID' })
    await expect(host.driver.domainResume(domain)).rejects.toMatchObject({ kind: 'OPERATION_INVALID' })
  })

  it('pauses and goes on', async () => {
    const { domain, console } = await host.boot({ name: 'a' })
    await host.driver.domainSuspend(domain)
    expect(await host.driver.domainGetState(domain)).toEqual({ state: 'paused', reason: stateReasons.paused.user })
    await host.driver.domainSuspend(domain)
    await console.type('x')
    await host.driver.domainResume(domain)
    await console.until('x')
    expect(host.events.slice(-2)).toEqual(['a suspended/paused', 'a resumed/unpaused'])
  })

  it.each([
    ['powers off', 'P', ['a shutdown/guest', 'a stopped/shutdown'], 'shutdown'],
    ['resets', 'R', ['a shutdown/guest', 'a stopped/shutdown'], 'shutdown'],
    ['panics', 'C', ['a crashed/panicked', 'a stopped/crashed'], 'crashed'],
  ] as const)('tells when the guest %s, and stops it once', async (_how, letter, events, reason) => {
    const { domain, console } = await host.boot({ name: 'a' })
    await console.type(letter)
    await host.untilEvents('a resumed/unpaused', ...events)
    expect(await host.driver.domainGetState(domain)).toEqual({ state: 'shutoff', reason: stateReasons.shutoff[reason] })
    expect(await host.left('run')).toEqual([])
    await expect(host.driver.domainDestroy(domain)).rejects.toMatchObject({ kind: 'OPERATION_INVALID' })
    expect(host.events.filter((event) => event.includes('stopped'))).toHaveLength(1)
    expect((await host.driver.domainCreate(domain)).id).toBe(2)
  })

  it('lets a guest reset when its definition says so', async () => {
    const { domain, console } = await host.boot({ name: 'a', onReboot: 'restart' })
    await console.type('R')
    await console.until('ready\nready\n')
    expect(await host.driver.domainGetState(domain)).toMatchObject({ state: 'running' })
    expect(host.events.at(-1)).toBe('a resumed/unpaused')
  })

  it('knows when a guest sleeps, and wakes it', async () => {
    const { domain, console } = await host.boot({ name: 'a' })
    await expect(host.driver.domainPMSuspend(domain)).rejects.toMatchObject({ kind: 'OPERATION_UNSUPPORTED' })
    await expect(host.driver.domainPMWakeup(domain)).rejects.toMatchObject({ kind: 'OPERATION_INVALID' })
    await console.type('S')
    await host.untilEvents('a pmsuspended/memory')
    expect(await host.driver.domainGetState(domain)).toMatchObject({ state: 'pmsuspended' })
    await host.driver.domainPMWakeup(domain)
    await host.untilEvents('a started/wakeup')
    expect(await host.driver.domainGetState(domain)).toMatchObject({ state: 'running' })
  })

  it('tells of a QEMU that was killed as a failure', async () => {
    const { domain } = await host.boot({ name: 'a' })
    const [pid = 0] = await host.processes()
    process.kill(pid, 'SIGKILL')
    await host.untilEvents('a resumed/unpaused', 'a stopped/failed')
    expect(await host.driver.domainGetState(domain)).toEqual({ state: 'shutoff', reason: stateReasons.shutoff.crashed })
    expect(await host.left('state')).toEqual([])
  })

  it('tells of a QEMU that was asked to end as destroyed', async () => {
    await host.boot({ name: 'a' })
    const [pid = 0] = await host.processes()
    process.kill(pid, 'SIGTERM')
    await host.untilEvents('a resumed/unpaused', 'a stopped/destroyed')
  })

  it('presses the power button in every state of the guest, as often as it is asked to', async () => {
    const { domain, console } = await host.boot({ name: 'a' })
    const press = async (): Promise<void> => {
      await host.driver.domainShutdown(domain)
      await host.driver.domainShutdown(domain)
    }
    await press()
    await host.driver.domainSuspend(domain)
    await press()
    await host.driver.domainResume(domain)
    await console.type('S')
    await host.untilEvents('a pmsuspended/memory')
    await press()
  })

  it('kills a QEMU that does not end by itself', async () => {
    const { domain } = await host.boot({ name: 'a' })
    const [pid = 0] = await host.processes()
    process.kill(pid, 'SIGSTOP')
    await host.driver.domainDestroy(domain)
    expect(host.events.at(-1)).toBe('a stopped/destroyed')
    expect(await host.processes()).toEqual([])
  })

  it("gives QEMU's own words when it cannot start, and leaves nothing", async () => {
    const domain = await host.define({ name: 'a', devices: '' })
    await host.driver.domainDefineXML(
      (await host.driver.domainGetXMLDesc(domain))
        .replace(/<emulator>.*<\/emulator>/, '')
        .replace(
          '</features>',
          "</features><cpu mode='maximum'><feature policy='disable' name='no-such-feature'/></cpu>",
        ),
    )
    await expect(host.driver.domainCreate(domain)).rejects.toThrow(
      /^internal error: QEMU ended with status 1 while starting 'a': .*no-such-feature/,
    )
    expect(host.events).toEqual(['a defined/added', 'a defined/updated'])
    expect(await host.left('run')).toEqual([])
    expect(await host.left('state')).toEqual([])
    expect(await host.driver.domainGetState(domain)).toMatchObject({ state: 'shutoff' })
  })

  it.each([
    ['kernel', { os: '<kernel>/nowhere/vmlinuz</kernel>' }, '/nowhere/vmlinuz'],
    ['image', { image: '/nowhere/root.img' }, '/nowhere/root.img'],
  ])('says which file is missing: %s', async (_what, options, path) => {
    const domain = await host.define({ name: 'a', ...options })
    await expect(host.driver.domainCreate(domain)).rejects.toThrow(path)
    await expect(host.driver.domainCreate(domain)).rejects.toMatchObject({ kind: 'OPERATION_FAILED' })
    expect(await host.left('run')).toEqual([])
    expect(host.events).toEqual(['a defined/added'])
  })

  it('does not open an image that another domain uses', async () => {
    const image = await host.bootImage('shared')
    await host.boot({ name: 'a', image })
    const other = await host.define({ name: 'b', image })
    await expect(host.driver.domainCreate(other)).rejects.toThrow(/lock/)
  })

  it('starts transient domains, which vanish at the end', async () => {
    const xml = await host.xml({ name: 'a' })
    const domain = await host.driver.domainCreateXML(xml)
    expect(await host.driver.domainIsPersistent(domain)).toBe(false)
    await expect(host.driver.domainUndefine(domain)).rejects.toMatchObject({ kind: 'OPERATION_INVALID' })
    await host.driver.domainDestroy(domain)
    await expect(host.driver.domainLookupByName('a')).rejects.toMatchObject({ kind: 'NO_DOMAIN' })
    expect(await host.left('log')).toEqual([])
  })

  it('keeps a running domain that is undefined, until it ends', async () => {
    const { domain } = await host.boot({ name: 'a' })
    await host.driver.domainUndefine(domain)
    expect(await host.driver.domainIsPersistent(domain)).toBe(false)
    await host.driver.domainDestroy(domain)
    await expect(host.driver.domainGetState(domain)).rejects.toMatchObject({ kind: 'NO_DOMAIN' })
    expect(host.events.slice(-2)).toEqual(['a undefined/removed', 'a stopped/destroyed'])
  })

  it('makes one process when two start a domain at once', async () => {
    const xml = await host.xml({ name: 'a', uuid: '11111111-2222-4333-8444-555555555555' })
    const results = await Promise.allSettled([host.driver.domainCreateXML(xml), host.driver.domainCreateXML(xml)])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await host.processes()).toHaveLength(1)
    expect(host.events.filter((event) => event.includes('started'))).toHaveLength(1)
  })

  it('says aloud when guests cannot have users of their own', async () => {
    const os = nodeOs()
    await using other = await QemuHarness.make({ ...os, host: { ...os.host, uid: 1000 } })
    const { console } = await other.boot()
    await console.type('x')
    expect(other.logged.filter((line) => line.startsWith('warn not root'))).toHaveLength(1)
  })

  it('does not share its folder', async () => {
    await host.driver.connectClose()
    const lock = await host.os.locks.take(join(host.folder, 'q'))
    await expect(host.reopen()).rejects.toMatchObject({
      kind: 'RESOURCE_BUSY',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await lock.release()
    await host.reopen()
  })

  it('finds domains by name, uuid and id', async () => {
    const { domain } = await host.boot({ name: 'a' })
    const halted = await host.define({ name: 'b' })
    expect(await host.driver.domainLookupByID(domain.id)).toEqual(domain)
    expect(await host.driver.domainLookupByUUID(domain.uuid)).toEqual(domain)
    expect(await host.driver.connectListAllDomains()).toEqual([domain, halted])
    expect(await host.driver.connectListAllDomains({ active: true })).toEqual([domain])
    expect(await host.driver.connectListAllDomains({ active: false })).toEqual([halted])
  })

  it('makes every kind of device', async () => {
    const [disk, cd, extra] = await Promise.all(['disk', 'cd', 'extra'].map((name) => host.bootImage(name)))
    const { console } = await host.boot({
      os: `<boot dev='cdrom'/><boot dev='hd'/><boot dev='network'/>`,
      devices: `
        <disk type='file' device='disk'><driver name='qemu' type='raw' cache='unsafe'/><source file='${disk}'/>
          <target dev='sda' bus='sata'/><serial>a-b.c</serial></disk>
        <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='${cd}'/>
          <target dev='sdb' bus='sata'/></disk>
        ${diskXml({ path: extra ?? '', target: 'vdo' })}
        <interface type='user'><model type='virtio'/></interface>
        <interface type='user'><model type='e1000'/></interface>
        <serial type='pty'/><console type='unix'><target type='serial'/></console>
        <console type='pty'><target type='virtio'/></console>
        <channel type='unix'><target type='virtio' name='org.cloister.qrexec.0'/></channel>
        <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>`,
    })
    await console.type('x')
    await console.until('x')
    const sockets = await host.left(`run/${(await host.left('run'))[0]}`)
    expect(sockets).toEqual(['channel0', 'console0', 'monitor', 'serial0', 'serial1'])
  })

  it('attaches a card to a tap device', async ({ skip }) => {
    const tap = `cl${process.pid}`
    const { processes } = host.os
    const isOpen = ((await stat('/dev/net/tun').catch(() => undefined))?.mode ?? 0) & 0o002
    const made =
      isOpen && (await processes.run(['ip', 'tuntap', 'add', 'dev', tap, 'mode', 'tap']).catch(() => undefined))
    if (!made) return skip('tap devices are not for everybody here')
    try {
      const devices = `<interface type='ethernet'><target dev='${tap}' managed='no'/><model type='virtio'/></interface>`
      const { domain } = await host.boot({ devices })
      await processes.run(['ip', 'link', 'set', tap, 'up'])
      expect(await readFile(`/sys/class/net/${tap}/carrier`, 'utf8')).toBe('1\n')
      await host.driver.domainDestroy(domain)
    } finally {
      await processes.run(['ip', 'tuntap', 'del', 'dev', tap, 'mode', 'tap'])
    }
  })

  describe('console', () => {
    it('has one user at a time, unless force is used', async () => {
      const { domain, console } = await host.boot()
      await expect(host.driver.domainOpenConsole(domain)).rejects.toMatchObject({ kind: 'OPERATION_FAILED' })
      const second = new TestConsole(await host.driver.domainOpenConsole(domain, 'serial0', { force: true }))
      await console.ended
      await expect(console.stream.write(Uint8Array.of(0x41))).rejects.toMatchObject({ kind: 'OPERATION_INVALID' })
      await second.type('again')
      await second.until('again')
      second.stream.close()
      await second.ended
      const third = new TestConsole(await host.driver.domainOpenConsole(domain))
      await third.type('third')
      await third.until('third')
    })

    it('is missed when there is none', async () => {
      const { domain } = await host.boot()
      await expect(host.driver.domainOpenConsole(domain, 'serial7')).rejects.toMatchObject({ kind: 'DEVICE_MISSING' })
    })

    it('keeps a writer waiting that is faster than the guest, and loses nothing', async () => {
      const { console } = await host.boot()
      const text = 'abcdefghij'.repeat(800)
      for (let at = 0; at < text.length; at += 100) await console.type(text.slice(at, at + 100))
      await console.until(text)
    })

    it('is logged', async () => {
      const { domain } = await host.boot()
      const log = await stat(`${host.folder}/q/log/${domain.uuid}.console.log`)
      expect(log.size).toBeGreaterThan(5)
    })
  })

  describe('description', () => {
    it('shows what was really made while the domain runs', async () => {
      const devices = `<channel type='unix'><target type='virtio' name='org.cloister.qrexec.0'/></channel>`
      const { domain } = await host.boot({ devices: `${devices}<console type='pty'><target type='virtio'/></console>` })
      const live = await host.driver.domainGetXMLDesc(domain)
      const run = `${host.folder}/q/run/${(await host.left('run'))[0]}`
      for (const socket of ['serial0', 'channel0', 'console0']) {
        expect(live).toContain(`path='${run}/${socket}'`)
        expect((await stat(`${run}/${socket}`)).isSocket()).toBe(true)
      }
      expect(live).not.toContain('pty')
      const inactive = await host.driver.domainGetXMLDesc(domain, { inactive: true })
      expect(inactive).not.toContain(run)
    })

    it('gives a socket the name that the definition wishes for, and takes it away at the end', async () => {
      const path = `${host.folder}/agent`
      const channel = `<channel type='unix'><source mode='bind' path='${path}'/><target type='virtio' name='a'/></channel>`
      const { domain } = await host.boot({ devices: channel })
      expect((await stat(path)).isSocket()).toBe(true)
      await host.driver.domainDestroy(domain)
      await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
    })
  })

  it('does not take a name from a file that has it', async () => {
    const path = join(host.folder, 'precious')
    await writeFile(path, 'keep me')
    const channel = `<channel type='unix'><source mode='bind' path='${path}'/><target type='virtio' name='a'/></channel>`
    await expect(host.driver.domainCreate(await host.define({ devices: channel }))).rejects.toThrow('EEXIST')
    expect(await readFile(path, 'utf8')).toBe('keep me')
    expect(await host.processes()).toEqual([])
  })

  it('says what to install when there is no QEMU', async () => {
    const os = nodeOs()
    const find = (): Promise<undefined> => Promise.resolve(undefined)
    const processes = Object.assign(Object.create(os.processes) as typeof os.processes, { find })
    await expect(QemuHarness.make({ ...os, processes })).rejects.toThrow('apt install qemu-system-x86')
  })

  describe('memory and disks', () => {
    it('starts with less memory than the domain may have', async () => {
      const domain = await host.define({ memory: "<currentMemory unit='MiB'>48</currentMemory>" })
      await host.driver.domainCreate(domain)
      await host.driver.domainSetMemory(domain, 40 * 1024)
      await expect(host.driver.domainSetMemory(domain, 65 * 1024)).rejects.toMatchObject({ kind: 'INVALID_ARG' })
    })

    it('tells the guest of a larger disk, and refuses a smaller one', async () => {
      const { domain, console } = await host.boot()
      await console.type('W')
      await console.until('w')
      await host.driver.domainBlockResize(domain, 'vda', 4n << 20n)
      await expect(host.driver.domainBlockResize(domain, 'vda', 2n << 20n)).rejects.toMatchObject({
        kind: 'INVALID_ARG',
      })
      await expect(host.driver.domainBlockResize(domain, 'vdb', 4n << 20n)).rejects.toMatchObject({
        kind: 'INVALID_ARG',
      })
    })

    it('stops a guest whose disk is full, until there is room', async ({ skip }) => {
      const small = join(host.folder, 'small')
      await mkdir(small)
      const mounted = await host.os.processes
        .run(['mount', '-t', 'tmpfs', '-o', 'size=256k', 'none', small])
        .catch(() => undefined)
      if (!mounted) return skip('a file system cannot be mounted here')
      try {
        const image = join(small, 'disk.img')
        await host.os.files.copySparse(await host.bootImage('model'), image)
        const { domain, console } = await host.boot({ name: 'a', image })
        await writeFile(join(small, 'filler'), Buffer.alloc(1 << 20)).catch(() => {})
        await console.type('W')
        await host.untilEvents('a suspended/ioerror')
        const why = "no space is left on the host for disk 'vda'"
        const full = { state: 'paused', reason: stateReasons.paused.ioerror, why }
        expect(await host.driver.domainGetState(domain)).toEqual(full)
        expect(host.whys).toEqual([why])
        await expect(host.driver.domainResume(domain)).rejects.toThrow(
          `operation failed: domain 'a' was resumed and has stopped again: ${why}`,
        )
        expect(await host.driver.domainGetState(domain)).toEqual(full)
        await host.reopen()
        expect(await host.driver.domainGetState(domain)).toEqual(full)
        const again = new TestConsole(await host.driver.domainOpenConsole(domain))
        await rm(join(small, 'filler'))
        await host.driver.domainResume(domain)
        await again.until('w')
        expect(await host.driver.domainGetState(domain)).not.toHaveProperty('why')
        await host.driver.domainDestroy(domain)
      } finally {
        await host.os.processes.run(['umount', small])
      }
    })

    it('writes to disks, but not to those that are read only', async () => {
      const image = await host.bootImage('readonly')
      const before = await stat(image)
      const { console } = await host.boot({ image: null, devices: diskXml({ path: image, more: '<readonly/>' }) })
      await console.type('W')
      await console.until('e')
      expect((await stat(image)).mtimeMs).toBe(before.mtimeMs)
    })
  })
})

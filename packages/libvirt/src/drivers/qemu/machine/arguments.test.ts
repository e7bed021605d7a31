import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DiskDefinition, DomainDefinition, ImageDefinition } from '../../../domain-definition.ts'
import { arbitraryDomain } from '../../../testing/arbitrary-domain.ts'
import { type MachinePlan, qemuInvocation } from './arguments.ts'
import { refuseUnsupported } from './unsupported.ts'

const host = { arch: 'x86_64', accelerator: 'kvm', firmware: ['bios', 'efi'] } as const

/** Definitions that this driver does not refuse. */
const supported = arbitraryDomain
  .map(
    (domain): DomainDefinition => ({
      ...domain,
      type: domain.type === 'kvm' ? 'kvm' : 'qemu',
      os: { ...domain.os, arch: 'x86_64', ...(domain.os.machine !== undefined && { machine: 'q35' }) },
      cpu: domain.type === 'kvm' ? domain.cpu : { ...domain.cpu, mode: 'maximum' },
      onPoweroff: 'destroy',
      onCrash: 'destroy',
      devices: {
        ...domain.devices,
        serials: domain.devices.serials.slice(0, 4),
        disks: domain.devices.disks.map(
          (disk, at): DiskDefinition => ({
            ...disk,
            device: 'disk',
            bus: 'virtio',
            target: `vd${String.fromCharCode(97 + at)}`,
          }),
        ),
      },
    }),
  )
  .filter((domain) => domain.devices.disks.length <= 15)

function planOf(definition: DomainDefinition, more: Partial<MachinePlan> = {}): MachinePlan {
  return {
    definition,
    accelerator: definition.type === 'kvm' ? 'kvm' : 'tcg',
    folder: '/run/folder',
    consoleLog: '/log/console.log',
    ...(definition.os.kernel !== undefined && { kernel: definition.os.kernel }),
    ...(definition.os.initrd !== undefined && { initrd: definition.os.initrd }),
    ...more,
  }
}

/** Values of an option, in order. */
function values(args: readonly string[], option: string): string[] {
  return args.flatMap((arg, at) => (arg === `-${option}` ? [args[at + 1] ?? ''] : []))
}

function objects(args: readonly string[], option: string): Record<string, unknown>[] {
  return values(args, option).map((value) => JSON.parse(value) as Record<string, unknown>)
}

const example: DomainDefinition = {
  type: 'qemu',
  name: 'work',
  uuid: '11111111-2222-4333-8444-555555555555',
  maxMemory: 409_600,
  memory: 204_800,
  vcpus: 2,
  os: {
    arch: 'x86_64',
    kernel: '/k/vmlinuz',
    initrd: '/k/initramfs',
    cmdline: 'root=/dev/vda',
    firmware: 'bios',
    boot: [],
  },
  features: ['acpi'],
  cpu: { mode: 'maximum', disabled: ['vmx', 'svm'] },
  clock: 'utc',
  onPoweroff: 'destroy',
  onReboot: 'destroy',
  onCrash: 'destroy',
  pm: { suspendToMem: true, suspendToDisk: true },
  devices: {
    disks: (['root', 'private', 'volatile', 'kernel'] as const).map((serial, at) => ({
      device: 'disk',
      source: { kind: 'file', path: `/pool/${serial}.img` },
      format: 'raw',
      target: `vd${'abcd'[at]}`,
      bus: 'virtio',
      readonly: serial === 'kernel',
      serial,
      discard: 'unmap',
      cache: serial === 'volatile' ? 'unsafe' : 'default',
    })),
    interfaces: [],
    serials: [{ backend: 'unix', target: 'serial', alias: 'serial0' }],
    consoles: [],
    channels: [{ backend: 'unix', target: 'virtio', alias: 'channel0', name: 'org.cloister.qrexec.0' }],
    balloon: true,
    rng: true,
    panic: true,
  },
}

describe('qemuInvocation', () => {
  it('names every format, and gives disks their roles and places', () => {
    const { args, inherit } = qemuInvocation(planOf(example))
    const devices = objects(args, 'device').filter(({ driver }) => driver === 'virtio-blk-pci')
    expect(devices.map(({ serial, bus }) => [serial, bus])).toEqual([
      ['root', 'port-disk0'],
      ['private', 'port-disk1'],
      ['volatile', 'port-disk2'],
      ['kernel', 'port-disk3'],
    ])
    const nodes = objects(args, 'blockdev')
    expect(nodes.map(({ driver }) => driver)).toEqual(['file', 'raw', 'file', 'raw', 'file', 'raw', 'file', 'raw'])
    expect(nodes.map((node) => node['read-only'])).toEqual([false, false, false, false, false, false, true, true])
    expect(nodes.map(({ cache }) => cache !== undefined)).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
      false,
      false,
    ])
    expect(inherit.filter(({ path }) => path.startsWith('/pool')).map(({ access }) => access)).toEqual([
      'readwrite',
      'readwrite',
      'readwrite',
      'read',
    ])
  })

  it('leaves the places of other disks when one is missing', () => {
    const disks = example.devices.disks.filter(({ serial }) => serial !== 'private')
    const { args } = qemuInvocation(planOf({ ...example, devices: { ...example.devices, disks } }))
    const devices = objects(args, 'device').filter(({ driver }) => driver === 'virtio-blk-pci')
    expect(devices.map(({ serial, bus }) => [serial, bus])).toEqual([
      ['root', 'port-disk0'],
      ['volatile', 'port-disk2'],
      ['kernel', 'port-disk3'],
    ])
  })

  it('has the same ports whatever its devices are, so that buses are always numbered alike', () => {
    const bare = { ...example, devices: { ...example.devices, disks: [], balloon: false, rng: false } }
    const ports = [example, bare].map((definition) =>
      objects(qemuInvocation(planOf(definition)).args, 'device').filter(({ driver }) => driver === 'pcie-root-port'),
    )
    expect(ports[0]).toEqual(ports[1])
    expect(ports[0]?.map(({ id, addr }) => `${id} ${addr}`)).toEqual([
      ...Array.from({ length: 8 }, (_, at) => `port-interface${at} 0x4.${at}`),
      ...Array.from({ length: 8 }, (_, at) => `port-disk${at} 0x10.${at}`),
      ...Array.from({ length: 7 }, (_, at) => `port-disk${at + 8} 0x11.${at}`),
      ...Array.from({ length: 8 }, (_, at) => `port-spare${at} 0x18.${at}`),
    ])
  })

  it('states what domain XML may state of every machine', () => {
    const { args } = qemuInvocation(planOf({ ...example, pm: { suspendToMem: false, suspendToDisk: true } }))
    expect(values(args, 'machine')[0]).toBe('q35,usb=off,dump-guest-core=off,mem-merge=off,vmport=off,hpet=on,acpi=on')
    expect(values(args, 'smp')).toEqual(['cpus=2,sockets=1,cores=2,threads=1'])
    expect(values(args, 'rtc')).toEqual(['base=utc,driftfix=slew'])
    expect(values(args, 'global')).toEqual(['ICH9-LPC.noreboot=off', 'ICH9-LPC.disable_s3=1', 'ICH9-LPC.disable_s4=0'])
  })

  it('confines, and trusts no configuration', () => {
    const { args } = qemuInvocation(planOf(example))
    expect(args).toEqual(expect.arrayContaining(['-no-user-config', '-nodefaults', '-S']))
    expect(values(args, 'sandbox')).toEqual(['on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'])
    expect(values(args, 'action')).toEqual(['reboot=shutdown,shutdown=poweroff,panic=shutdown,watchdog=reset'])
    expect(values(args, 'cpu')).toEqual(['max,vmx=off,svm=off'])
    expect(values(args, 'm')).toEqual(['size=409600k'])
  })

  it('uses the host processor under KVM', () => {
    const { args } = qemuInvocation(planOf({ ...example, type: 'kvm', cpu: { mode: 'default', disabled: [] } }))
    expect(values(args, 'cpu')).toEqual(['host'])
    expect(values(args, 'accel')).toEqual(['kvm'])
    expect(values(args, 'machine')[0]).toContain(',hpet=off,')
  })

  it('opens the file of a block device as such', () => {
    const [disk] = example.devices.disks
    const block = { ...disk, source: { kind: 'block', path: '/dev/vg/root' } } as DiskDefinition
    const { args } = qemuInvocation(planOf({ ...example, devices: { ...example.devices, disks: [block] } }))
    expect(objects(args, 'blockdev')[0]).toMatchObject({ driver: 'host_device' })
  })

  it('gives an image the chain that it was given, or none', () => {
    const raw: ImageDefinition = { source: { kind: 'block', path: '/dev/vg/base' }, format: 'raw' }
    const middle: ImageDefinition = { source: { kind: 'file', path: '/b' }, format: 'qcow2', backing: raw }
    const backings = [middle, null, undefined]
    const disks = example.devices.disks
      .slice(0, 3)
      .map((disk, at) => ({ ...disk, format: 'qcow2', backing: backings[at] }) as DiskDefinition)
    const { args, inherit } = qemuInvocation(planOf({ ...example, devices: { ...example.devices, disks } }))
    const nodes = objects(args, 'blockdev').filter(({ 'node-name': name }) => !String(name).endsWith('-file'))
    expect(nodes.map((node) => [node['node-name'], node['driver'], node['backing'], node['read-only']])).toEqual([
      ['vda-back2', 'raw', undefined, true],
      ['vda-back1', 'qcow2', 'vda-back2', true],
      ['vda', 'qcow2', 'vda-back1', false],
      ['vdb', 'qcow2', null, false],
      ['vdc', 'qcow2', null, false],
    ])
    expect(inherit).toContainEqual({ path: '/dev/vg/base', access: 'read' })
    expect(inherit).toContainEqual({ path: '/b', access: 'read' })
  })

  it('boots from devices in the order of the definition', () => {
    const { os, devices } = example
    const cdrom = { ...devices.disks[3], device: 'cdrom', bus: 'sata', target: 'sda' } as DiskDefinition
    const definition: DomainDefinition = {
      ...example,
      os: { arch: os.arch, firmware: 'bios', boot: ['cdrom', 'hd'] },
      devices: { ...devices, disks: [...devices.disks.slice(0, 2), cdrom] },
    }
    const { args } = qemuInvocation(planOf(definition))
    const order = objects(args, 'device').map(({ id, bootindex }) => [id, bootindex])
    expect(order.filter(([, index]) => index !== undefined)).toEqual([
      ['disk-vda', 2],
      ['disk-vdb', 3],
      ['disk-sda', 1],
    ])
  })

  it('gives UEFI its code read only and its variables', () => {
    const { args, inherit } = qemuInvocation(planOf(example, { firmware: { code: '/fw/code', variables: '/fw/vars' } }))
    expect(values(args, 'machine').slice(1)).toEqual(['pflash0=pflash0', 'pflash1=pflash1'])
    expect(inherit).toContainEqual({ path: '/fw/code', access: 'read' })
    expect(inherit).toContainEqual({ path: '/fw/vars', access: 'readwrite' })
  })

  it('lets no value of a definition become an option', () => {
    fc.assert(
      fc.property(supported, (definition) => {
        refuseUnsupported(definition, host)
        const { args, inherit } = qemuInvocation(planOf(definition))
        const options = args.filter((arg, at) => arg.startsWith('-') && args[at - 1] !== '-append')
        expect(options.every((option) => /^-[a-zA-Z-]+$/.test(option))).toBe(true)
        for (const option of ['blockdev', 'device', 'netdev', 'object']) objects(args, option)
        const paths = definition.devices.disks.map(({ source }) => source.path)
        const opened = inherit.map(({ path }) => path)
        for (const path of paths) expect(opened).toContain(path)
        // Nothing that QEMU takes apart holds a path of the definition's.
        const plain = args.filter(
          (arg, at) => !arg.startsWith('{') && args[at - 1] !== '-append' && args[at - 1] !== '-name',
        )
        for (const path of paths.filter((one) => one.length > 8))
          expect(plain.some((arg) => arg.includes(path))).toBe(false)
        expect(values(args, 'append')).toEqual(definition.os.cmdline === undefined ? [] : [definition.os.cmdline])
      }),
    )
  })

  it('gives every device a place and an id of its own', () => {
    fc.assert(
      fc.property(supported, (definition) => {
        const { args } = qemuInvocation(planOf(definition))
        const devices = objects(args, 'device')
        const ids = devices.map(({ id }) => id)
        expect(new Set(ids).size).toBe(ids.length)
        const places = devices
          .filter(({ bus }) => bus !== undefined && bus !== 'virtio-serial0.0')
          .map(({ bus, addr }) => `${bus} ${addr}`)
        expect(new Set(places).size).toBe(places.length)
        const ports = new Set(devices.filter(({ driver }) => driver === 'pcie-root-port').map(({ id }) => id))
        const used = devices.map(({ bus }) => String(bus)).filter((bus) => bus.startsWith('port-'))
        expect(used.filter((bus) => !ports.has(bus))).toEqual([])
        const nodes = objects(args, 'blockdev').map((node) => String(node['node-name']))
        expect(new Set(nodes).size).toBe(nodes.length)
        expect(nodes.every((node) => node.length < 32)).toBe(true)
      }),
    )
  })
})

describe('refuseUnsupported', () => {
  const disk = example.devices.disks[0] as DiskDefinition
  it.each<[string, Partial<DomainDefinition>, RegExp]>([
    ['another type', { type: 'test' }, /type 'test'/],
    ['KVM without KVM', { type: 'kvm' }, /KVM is not usable/],
    ['another architecture', { os: { ...example.os, arch: 'aarch64' } }, /architecture/],
    ['another machine', { os: { ...example.os, machine: 'pc-i440fx-7.2' } }, /q35/],
    ['an option in the machine', { os: { ...example.os, machine: 'q35,accel=kvm' } }, /q35/],
    ['firmware that is missing', { os: { ...example.os, firmware: 'efi' } }, /ovmf/],
    ['host-passthrough under emulation', { cpu: { mode: 'host-passthrough', disabled: [] } }, /host-passthrough/],
    ['on_poweroff', { onPoweroff: 'restart' }, /on_poweroff/],
    ['on_crash', { onCrash: 'restart' }, /on_crash/],
    ['a disk beyond the last place', { devices: { ...example.devices, disks: [{ ...disk, target: 'vdp' }] } }, /vdo/],
    [
      'two disks in one place',
      { devices: { ...example.devices, disks: [disk, { ...disk, target: 'xvda' }] } },
      /each letter once/,
    ],
    [
      'a read only SATA disk',
      { devices: { ...example.devices, disks: [{ ...disk, target: 'sda', bus: 'sata', readonly: true }] } },
      /SATA/,
    ],
    ['a virtio CD-ROM', { devices: { ...example.devices, disks: [{ ...disk, device: 'cdrom' }] } }, /CD-ROM/],
    [
      'a fifth serial port',
      {
        devices: { ...example.devices, serials: Array.from({ length: 5 }, () => example.devices.serials[0]) as never },
      },
      /serial ports/,
    ],
  ])('refuses %s', (_what, change, message) => {
    const emulated = { arch: 'x86_64', accelerator: 'tcg', firmware: ['bios'] } as const
    refuseUnsupported(example, emulated)
    expect(() => refuseUnsupported({ ...example, ...change }, emulated)).toThrow(message)
  })

  it('tells everything at once', () => {
    const definition: DomainDefinition = { ...example, onPoweroff: 'restart', onCrash: 'restart' }
    expect(() => refuseUnsupported(definition, host)).toThrow(
      "unsupported configuration: on_poweroff must be 'destroy'; on_crash must be 'destroy'",
    )
  })
})

import { msg } from '@cloister/kit'
import type { DeviceDefinitions, DiskDefinition, InterfaceDefinition } from '../domain-definition.ts'
import { given } from '../given.ts'
import { readCharacterDevices } from './character-device-parse.ts'
import type { DomainXmlHost } from './domain-xml-host.ts'
import type { ElementReader } from './element-reader.ts'
import { absolutePath, matching, readPath } from './values.ts'

/** `<devices>`. @throws LibvirtError XML_ERROR, CONFIG_UNSUPPORTED */
export function readDevices(domain: ElementReader, host: DomainXmlHost): DeviceDefinitions {
  return (
    domain.one('devices', (devices) => ({
      ...given({ emulator: devices.one('emulator', readPath) }),
      disks: readDisks(devices),
      interfaces: devices.all('interface', (element) => readInterface(element, host)),
      ...readCharacterDevices(devices),
      balloon: devices.one('memballoon', readBalloon) ?? true,
      rng: devices.one('rng', readRng) ?? false,
      panic: devices.one('panic', readPanic) ?? false,
    })) ?? noDevices
  )
}

const noDevices: DeviceDefinitions = {
  disks: [],
  interfaces: [],
  serials: [],
  consoles: [],
  channels: [],
  balloon: true,
  rng: false,
  panic: false,
}

function readDisks(devices: ElementReader): DiskDefinition[] {
  const targets = new Set<string>()
  return devices.all('disk', (element) => {
    const disk = readDisk(element)
    if (targets.has(disk.target)) element.malformed(msg`target '${disk.target}' is taken by another disk`)
    targets.add(disk.target)
    return disk
  })
}

function readDisk(disk: ElementReader): DiskDefinition {
  const device = disk.choice('device', ['disk', 'cdrom'], 'disk')
  const readonly = disk.one('readonly', () => true) ?? device === 'cdrom'
  const serial = disk.one('serial', readSerialNumber)
  return {
    device,
    source: readDiskSource(disk),
    ...(disk.one('driver', readDiskDriver) ??
      disk.unsupported(msg`<driver type> must name the format: images are not probed`)),
    ...disk.required('target', readDiskTarget),
    readonly,
    ...given({ serial }),
  }
}

function readDiskSource(disk: ElementReader): DiskDefinition['source'] {
  const kind = disk.oneOf(['file', 'block'], disk.requiredAttribute('type'))
  const path = disk.one('source', (source) =>
    absolutePath(source, source.requiredAttribute(kind === 'file' ? 'file' : 'dev')),
  )
  return { kind, path: path ?? disk.unsupported(msg`a drive without <source> is not supported`) }
}

function readDiskDriver(driver: ElementReader): Pick<DiskDefinition, 'format' | 'discard' | 'cache'> {
  const format = driver.attribute('type') ?? driver.unsupported(msg`type must name the format: images are not probed`)
  return {
    format: driver.oneOf(['raw', 'qcow2'], format),
    discard: driver.choice('discard', ['unmap', 'ignore'], 'ignore'),
    cache: driver.choice('cache', ['default', 'unsafe'], 'default'),
  }
}

/** Buses by the first letters of a target's name, as libvirt takes them when the XML names none. */
const defaultBuses: Readonly<Record<string, string>> = { vd: 'virtio', xvd: 'xen', sd: 'scsi', hd: 'ide' }

function readDiskTarget(target: ElementReader): Pick<DiskDefinition, 'target' | 'bus'> {
  const name = target.requiredAttribute('dev')
  const [, prefix = ''] = /^(vd|xvd|sd|hd)[a-z]{1,3}$/.exec(name) ?? target.malformed(msg`'${name}' is no disk target`)
  const bus = target.attribute('bus') ?? defaultBuses[prefix] ?? ''
  return { target: name, bus: target.oneOf(['virtio', 'sata'], bus) }
}

/** Virtio and SATA disks show a guest 20 characters. */
function readSerialNumber(serial: ElementReader): string {
  return matching(serial, serial.content(), /^[A-Za-z0-9_.+-]{1,20}$/, 'a serial number of at most 20 characters')
}

function readInterface(element: ElementReader, host: DomainXmlHost): InterfaceDefinition {
  const kind = element.oneOf(['user', 'ethernet'], element.requiredAttribute('type'))
  const target = kind === 'ethernet' ? element.one('target', readTapName) : undefined
  if (kind === 'ethernet' && target === undefined) element.unsupported(msg`<target dev> must name a tap device`)
  return {
    kind,
    mac: element.one('mac', readMac) ?? randomMac(host),
    // What libvirt gives a guest of which it knows nothing is an emulated card, not virtio.
    model:
      element.one('model', (model) => model.oneOf(['virtio', 'e1000'], model.requiredAttribute('type'))) ?? 'e1000',
    ...given({ target }),
  }
}

function readTapName(target: ElementReader): string {
  return matching(
    target,
    target.requiredAttribute('dev'),
    /^(?!\.{1,2}$)[!-.0-9;-~]{1,15}$/,
    'a name of a network device',
  )
}

function readMac(mac: ElementReader): string {
  const address = mac.requiredAttribute('address').toLowerCase()
  matching(mac, address, /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'a MAC address')
  if (Number.parseInt(address.slice(0, 2), 16) & 1) mac.malformed(msg`'${address}' is a multicast address`)
  return address
}

/** An address with the prefix that QEMU and KVM guests have. */
function randomMac(host: DomainXmlHost): string {
  const bytes = Uint8Array.of(0x52, 0x54, 0x00, ...host.random(3))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}

function readBalloon(balloon: ElementReader): boolean {
  return balloon.oneOf(['virtio', 'none'], balloon.requiredAttribute('model')) === 'virtio'
}

function readRng(rng: ElementReader): boolean {
  rng.oneOf(['virtio'], rng.requiredAttribute('model'))
  rng.required('backend', (backend) => {
    backend.oneOf(['random'], backend.requiredAttribute('model'))
    backend.oneOf(['/dev/urandom'], backend.content())
  })
  return true
}

function readPanic(panic: ElementReader): boolean {
  panic.choice('model', ['isa'], 'isa')
  return true
}

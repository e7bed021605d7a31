import { msg } from '@cloister/kit'
import type { DeviceDefinitions, InterfaceDefinition } from '../domain-definition.ts'
import { given } from '../given.ts'
import { readCharacterDevices } from './character-device-parse.ts'
import { readDisks } from './disk-parse.ts'
import type { DomainXmlHost } from './domain-xml-host.ts'
import type { ElementReader } from './element-reader.ts'
import { matching, readPath } from './values.ts'

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

function readInterface(element: ElementReader, host: DomainXmlHost): InterfaceDefinition {
  const kind = element.kind(['user', 'ethernet'], element.requiredAttribute('type'))
  const target = kind === 'ethernet' ? element.one('target', readTapName) : undefined
  if (kind === 'ethernet' && target === undefined) element.refuse(msg`<target dev> must name a tap device`)
  return {
    kind,
    mac: element.one('mac', readMac) ?? randomMac(host),
    // Libvirt's default is an emulated card, not virtio, because every guest has a driver for it.
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
  rng.kind(['virtio'], rng.requiredAttribute('model'))
  rng.required('backend', (backend) => {
    backend.kind(['random'], backend.requiredAttribute('model'))
    // Since Linux 5.6 the two files are one source; QEMU reads the second when none is named.
    backend.oneOf(['/dev/random', '/dev/urandom', ''], backend.content())
  })
  return true
}

function readPanic(panic: ElementReader): boolean {
  panic.choice('model', ['isa'], 'isa')
  return true
}

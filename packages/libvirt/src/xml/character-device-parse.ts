import { msg } from '@cloister/kit'
import type { CharacterDeviceDefinition, DeviceDefinitions } from '../domain-definition.ts'
import { given } from '../given.ts'
import type { ElementReader } from './element-reader.ts'
import { absolutePath, firstDouble, matching } from './values.ts'

/** Longest path of a unix socket, bytes. */
const maxSocketPath = 107

type CharacterDevices = Pick<DeviceDefinitions, 'serials' | 'consoles' | 'channels'>

/** A device as the XML describes it, with an alias only when the user chose one. */
type WrittenDevice = Omit<CharacterDeviceDefinition, 'alias'> & { readonly alias?: string }

/**
 * Serial ports, consoles and channels. A first console of type `serial` is another name of the first serial port, as in
 * libvirt, and makes one if there is none; `consoles` of the result are the others.
 * @throws LibvirtError XML_ERROR, CONFIG_UNSUPPORTED
 */
export function readCharacterDevices(devices: ElementReader): CharacterDevices {
  const serials = devices.all('serial', readSerial)
  const consoles = devices.all('console', (element, index) => {
    const console = readConsole(element, index)
    if (console.target === 'serial') mergeConsole(element, index, console, serials)
    return console
  })
  const result = {
    serials: withAliases('serial', serials),
    consoles: withAliases(
      'console',
      consoles.filter(({ target }) => target === 'virtio'),
    ),
    channels: withAliases('channel', devices.all('channel', readChannel)),
  }
  refuseDoubles(devices, result)
  return result
}

/** Members that a console may repeat of the serial port that it names; their values must be the same. */
const sharedMembers = ['backend', 'path', 'alias'] as const

function mergeConsole(element: ElementReader, index: number, console: WrittenDevice, serials: WrittenDevice[]): void {
  if (index > 0) element.refuseWhole(msg`only the first console can be a serial port`)
  const [serial] = serials
  if (!serial) serials.push(console)
  else if (sharedMembers.some((member) => (console[member] ?? serial[member]) !== serial[member])) {
    element.refuse(msg`the first console is the first serial port, but the two differ`)
  }
}

function withAliases(prefix: string, devices: readonly WrittenDevice[]): CharacterDeviceDefinition[] {
  return devices.map((device, index) => ({ ...device, alias: device.alias ?? `${prefix}${index}` }))
}

function refuseDoubles(devices: ElementReader, { serials, consoles, channels }: CharacterDevices): void {
  const all = [...serials, ...consoles, ...channels]
  for (const key of ['alias', 'name', 'path'] as const) {
    const double = firstDouble(all.map((device) => device[key]).filter((value) => value !== undefined))
    if (double !== undefined) devices.malformed(msg`two character devices have the ${key} '${double}'`)
  }
}

function readSerial(serial: ElementReader, index: number): WrittenDevice {
  serial.one('target', (target) => {
    target.choice('type', ['isa-serial'], 'isa-serial')
    readPort(target, index)
    target.one('model', (model) => model.oneOf(['isa-serial'], model.requiredAttribute('name')))
  })
  return { ...readBackend(serial), target: 'serial' }
}

function readConsole(console: ElementReader, index: number): WrittenDevice {
  const target = console.one('target', (element) => {
    readPort(element, index)
    return element.choice<'serial' | 'virtio'>('type', ['serial', 'virtio'], 'serial')
  })
  return { ...readBackend(console), target: target ?? 'serial' }
}

function readChannel(channel: ElementReader): WrittenDevice {
  const name = channel.required('target', (target) => {
    target.kind(['virtio'], target.requiredAttribute('type'))
    return matching(target, target.requiredAttribute('name'), /^[A-Za-z0-9_.-]{1,63}$/, 'a name of a port')
  })
  return { ...readBackend(channel), target: 'virtio', name }
}

/** Ports are numbered in the order of the elements; a device at another port is refused. */
function readPort(target: ElementReader, index: number): void {
  const port = target.attribute('port')
  if (port !== undefined && port !== String(index)) target.refuse(msg`port '${port}' is not the ${index} of its place`)
}

function readBackend(device: ElementReader): Pick<WrittenDevice, 'backend' | 'path' | 'alias'> {
  const backend = device.kind(['pty', 'unix'], device.requiredAttribute('type'))
  const path = device.one('source', backend === 'unix' ? readSocketPath : readTerminal)
  return { backend, ...given({ path, alias: device.one('alias', readOwnAlias) }) }
}

function readSocketPath(source: ElementReader): string | undefined {
  source.choice('mode', ['bind'], 'bind')
  const path = source.attribute('path')
  return path === undefined ? undefined : absolutePath(source, path, maxSocketPath)
}

/** The terminal of a running domain; the next start gets another one. */
function readTerminal(source: ElementReader): undefined {
  source.attribute('path')
}

/** Aliases that begin with `ua-` are the user's; others are given by the driver, as in libvirt. */
function readOwnAlias(alias: ElementReader): string | undefined {
  const name = alias.requiredAttribute('name')
  return name.startsWith('ua-') ? matching(alias, name, /^[A-Za-z0-9_-]{4,64}$/, 'an alias') : undefined
}

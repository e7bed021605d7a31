import { type XmlElement, xml } from '@cloister/kit'
import type {
  CharacterDeviceDefinition,
  DeviceDefinitions,
  DiskDefinition,
  ImageDefinition,
  InterfaceDefinition,
} from '../domain-definition.ts'
import type { LiveDomain } from './domain-format.ts'

/** `<devices>`; aliases, terminals and sockets only of a domain that runs. */
export function devicesElement(devices: DeviceDefinitions, live: LiveDomain | undefined): XmlElement {
  return xml(
    'devices',
    {},
    devices.emulator === undefined ? undefined : xml('emulator', {}, devices.emulator),
    ...devices.disks.map((disk, at) => diskElement(disk, liveAlias(live, `${disk.bus}-disk${at}`))),
    ...devices.interfaces.map((one, at) => interfaceElement(one, liveAlias(live, `net${at}`))),
    ...characterElements(devices, live),
    xml(
      'memballoon',
      { model: devices.balloon ? 'virtio' : 'none' },
      devices.balloon ? liveAlias(live, 'balloon0') : undefined,
    ),
    devices.rng ? rngElement(liveAlias(live, 'rng0')) : undefined,
    devices.panic ? xml('panic', { model: 'isa' }) : undefined,
  )
}

function liveAlias(live: LiveDomain | undefined, name: string): XmlElement | undefined {
  return live ? xml('alias', { name }) : undefined
}

function diskElement(disk: DiskDefinition, alias: XmlElement | undefined): XmlElement {
  return xml(
    'disk',
    { type: disk.source.kind, device: disk.device },
    xml('driver', {
      name: 'qemu',
      type: disk.format,
      cache: disk.cache === 'default' ? undefined : disk.cache,
      discard: disk.discard === 'ignore' ? undefined : disk.discard,
    }),
    sourceOfImage(disk),
    backingElement(disk),
    xml('target', { dev: disk.target, bus: disk.bus }),
    disk.readonly ? xml('readonly') : undefined,
    disk.serial === undefined ? undefined : xml('serial', {}, disk.serial),
    alias,
  )
}

function sourceOfImage({ source: { kind, path } }: ImageDefinition): XmlElement {
  return xml('source', { [kind === 'file' ? 'file' : 'dev']: path })
}

/** `<backingStore>`: empty where the chain ends. */
function backingElement({ backing }: ImageDefinition): XmlElement | undefined {
  if (backing === undefined) return undefined
  if (backing === null) return xml('backingStore')
  return xml(
    'backingStore',
    { type: backing.source.kind },
    xml('format', { type: backing.format }),
    sourceOfImage(backing),
    backingElement(backing),
  )
}

function interfaceElement(
  { kind, mac, model, target }: InterfaceDefinition,
  alias: XmlElement | undefined,
): XmlElement {
  return xml(
    'interface',
    { type: kind },
    xml('mac', { address: mac }),
    target === undefined ? undefined : xml('target', { dev: target, managed: 'no' }),
    xml('model', { type: model }),
    alias,
  )
}

/** Serial ports, then consoles, of which the first stands for the first serial port, then channels. */
function characterElements(devices: DeviceDefinitions, live: LiveDomain | undefined): XmlElement[] {
  const [firstSerial] = devices.serials
  const firstConsole = firstSerial ? [firstSerial] : []
  return [
    ...devices.serials.map((one, port) => characterElement('serial', one, serialTarget(port), live)),
    ...[...firstConsole, ...devices.consoles].map((one, port) => consoleElement(one, port, live)),
    ...devices.channels.map((one) =>
      characterElement('channel', one, xml('target', { type: 'virtio', name: one.name }), live),
    ),
  ]
}

function serialTarget(port: number): XmlElement {
  return xml('target', { type: 'isa-serial', port }, xml('model', { name: 'isa-serial' }))
}

function consoleElement(one: CharacterDeviceDefinition, port: number, live: LiveDomain | undefined): XmlElement {
  const element = characterElement('console', one, xml('target', { type: one.target, port }), live)
  const tty = one.backend === 'pty' ? live?.paths.get(one.alias) : undefined
  if (tty !== undefined) element.attributes.set('tty', tty)
  return element
}

function characterElement(
  name: string,
  { backend, path, alias }: CharacterDeviceDefinition,
  target: XmlElement,
  live: LiveDomain | undefined,
): XmlElement {
  return xml(
    name,
    { type: backend },
    sourceElement(backend, live?.paths.get(alias) ?? path),
    target,
    live || alias.startsWith('ua-') ? xml('alias', { name: alias }) : undefined,
  )
}

function sourceElement(
  backend: CharacterDeviceDefinition['backend'],
  path: string | undefined,
): XmlElement | undefined {
  if (path === undefined) return undefined
  return backend === 'pty' ? xml('source', { path }) : xml('source', { mode: 'bind', path })
}

function rngElement(alias: XmlElement | undefined): XmlElement {
  return xml('rng', { model: 'virtio' }, xml('backend', { model: 'random' }, '/dev/urandom'), alias)
}

import type { DomainDefinition, InterfaceDefinition } from '../../../domain-definition.ts'
import { type CharacterDevice, characterDevices } from './character-devices.ts'
import type { Invocation } from './invocation.ts'
import { portPlace, rootPlace } from './pci-slots.ts'

/** Cards by the model of the definition. */
const cards: Readonly<Record<InterfaceDefinition['model'], string>> = { virtio: 'virtio-net-pci', e1000: 'e1000' }

/**
 * A network card. A tap device must exist and have no owner or QEMU's user as its owner, as QEMU may not make one.
 * @param bootIndex its place in the boot order; a card that is not booted from has no boot ROM
 */
export function addInterface(
  invocation: Invocation,
  definition: InterfaceDefinition,
  index: number,
  bootIndex?: number,
): void {
  const netdev = `hostnet${index}`
  const ends = {
    user: { type: 'user' },
    ethernet: { type: 'tap', ifname: definition.target, script: 'no', downscript: 'no', vhost: false },
  }
  invocation.json('netdev', { ...ends[definition.kind], id: netdev })
  invocation.json('device', {
    driver: cards[definition.model],
    id: `net${index}`,
    netdev,
    mac: definition.mac,
    ...portPlace('interface', index),
    ...(bootIndex === undefined ? { romfile: '' } : { bootindex: bootIndex }),
  })
}

/**
 * Serial ports, consoles and channels: each a socket in the run folder, whatever terminal the definition wishes for.
 * @param folder the run folder, as QEMU names it
 * @param log file, as QEMU names it, that takes what the guest writes to its first serial port
 */
export function addCharacterDevices(
  invocation: Invocation,
  { devices }: DomainDefinition,
  folder: string,
  log: string,
): void {
  const all = characterDevices(devices)
  if (all.some(({ kind }) => kind !== 'serial'))
    invocation.json('device', { driver: 'virtio-serial-pci', id: 'virtio-serial0', ...rootPlace('serial') })
  for (const [place, one] of all.entries()) {
    const logging = one.kind === 'serial' && one.index === 0 ? `,logfile=${log},logappend=on` : ''
    const chardev = `char-${one.socket}`
    invocation.option('chardev', `socket,id=${chardev},path=${folder}/${one.socket},server=on,wait=off${logging}`)
    invocation.json('device', { ...characterDevice(one, place), chardev, id: one.socket })
  }
}

/** Ports of virtio-serial are numbered from 1, as 0 belongs to a console. */
function characterDevice({ kind, index, definition }: CharacterDevice, place: number): Record<string, unknown> {
  const port = { bus: 'virtio-serial0.0', nr: place + 1 }
  const kinds: Record<CharacterDevice['kind'], Record<string, unknown>> = {
    serial: { driver: 'isa-serial', index },
    console: { driver: 'virtconsole', ...port },
    channel: { driver: 'virtserialport', name: definition.name, ...port },
  }
  return kinds[kind]
}

/** Balloon, random numbers, panic device: those that the definition has. */
export function addSmallDevices(invocation: Invocation, { devices }: DomainDefinition): void {
  if (devices.balloon) {
    const options = { 'deflate-on-oom': true, 'free-page-reporting': true }
    invocation.json('device', { driver: 'virtio-balloon-pci', id: 'balloon0', ...options, ...rootPlace('balloon') })
  }
  if (devices.rng) {
    invocation.json('object', { 'qom-type': 'rng-random', id: 'objrng0', filename: '/dev/urandom' })
    invocation.json('device', { driver: 'virtio-rng-pci', id: 'rng0', rng: 'objrng0', ...rootPlace('rng') })
  }
  if (devices.panic) invocation.json('device', { driver: 'pvpanic', id: 'panic0' })
}

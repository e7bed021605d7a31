import { msg, QubesPropertyValueError, QubesValueError, QubesVMNotStartedError } from '@cloister/kit'
import type { AnyProperty, Property } from '../../properties/property.ts'
import { boolProperty, patternParser, strProperty } from '../../properties/property-kinds.ts'
import type { BaseVM } from '../base-vm.ts'
import { numberedAddress, numberedAddress6, parseIPv4, parseIPv6 } from '../network/addresses.ts'
import { hasClients, leadsTo, netvmName } from '../network/network-graph.ts'
import type { QubesVM } from '../qubes-vm.ts'
import { vmProperty } from './object-kinds.ts'

// The network side of a domain, a mixin of all that run here (reference: admin-api, 5.5; storage-and-lifecycle, B.7).

/** Every link connects two machines only, so all guests can have the same address. */
const linkMac = '00:16:3e:5e:6c:00'
const dnsServers = '10.139.1.1 10.139.1.2'
const clientNetmask = '255.255.255.255'

export const providesNetwork: Property<QubesVM, boolean> = boolProperty({
  name: 'provides_network',
  help: 'Whether other domains can use this one as their netvm.',
  fallback: () => false,
  check: (vm, value) => {
    if (!value) refuseWithClients(vm)
  },
  checkReset: refuseWithClients,
})

function refuseWithClients(vm: QubesVM): void {
  if (vm.get(providesNetwork) && hasClients(vm)) {
    throw new QubesValueError(msg`${vm.name} is still the netvm of other domains: change their netvm first`)
  }
}

function checkNetvm(vm: QubesVM, value: BaseVM | null): void {
  vm.phase.require('setNetvm')
  if (!value) return
  if (!value.propertyTable.has(providesNetwork.name)) {
    throw new QubesPropertyValueError(
      msg`${value.name} cannot be the netvm of ${vm.name}: it is no domain of this host that can give network`,
    )
  }
  if (!value.get(providesNetwork))
    throw new QubesValueError(msg`${value.name} does not provide network: set its provides_network first`)
  if (leadsTo(value, vm))
    throw new QubesValueError(msg`Loops in network are unsupported: ${value.name} gets its network from ${vm.name}`)
  if (vm.powerState !== 'Halted' && value.powerState === 'Halted') {
    throw new QubesVMNotStartedError(msg`${vm.name} runs, so its new netvm ${value.name} must be started first`)
  }
}

/** Domain that gives this one its network. */
export const netvm: Property<QubesVM, BaseVM | null> = vmProperty({
  name: netvmName,
  stage: 4,
  help: 'Domain that gives this one its network.',
  fallback: (vm) => vm.app.defaults.netvm,
  systemDefault: 'default_netvm',
  check: checkNetvm,
})

/** What the netvm of a domain will be once it is reset. @throws QubesException when the domain cannot have that netvm now */
export function netvmAfterReset(vm: QubesVM): BaseVM | null {
  const value = vm.property(netvmName).fallback(vm) as BaseVM | null
  checkNetvm(vm, value)
  return value
}

/** Without a value of its own, a template has no network. */
export const netvmOfTemplate: Property<QubesVM, BaseVM | null> = {
  ...netvm,
  systemDefault: undefined,
  fallback: () => null,
}

/** True for a domain that has a netvm, or gives other domains network. */
export function isNetworked(vm: QubesVM): boolean {
  return !!vm.get(netvm) || vm.get(providesNetwork) === true
}

/** A feature of the domain, else of its netvm, and so on (reference: storage-and-lifecycle, B.1). */
export function featureWithNetvm(vm: BaseVM, name: string): string | undefined {
  for (let at: BaseVM | null | undefined = vm; at; at = at.get(netvm)) {
    const value = at.features.find(name)
    if (value !== undefined) return value
  }
  return undefined
}

const ipv6Enabled = (vm: BaseVM): boolean => !!featureWithNetvm(vm, 'ipv6')

export const ip: Property<QubesVM, string | null> = strProperty({
  name: 'ip',
  perInstance: true,
  help: 'IPv4 address.',
  parse: (_vm, text) => parseIPv4(text),
  fallback: (vm) => (isNetworked(vm) ? numberedAddress(vm.addressNumber) : null),
})

export const ip6: Property<QubesVM, string | null> = strProperty({
  name: 'ip6',
  perInstance: true,
  help: 'IPv6 address.',
  parse: (_vm, text) => parseIPv6(text),
  fallback: (vm) => (isNetworked(vm) && ipv6Enabled(vm) ? numberedAddress6(vm.addressNumber) : null),
})

export const mac: Property<QubesVM, string | null> = strProperty({
  name: 'mac',
  help: 'Hardware address of the network device.',
  parse: (_vm, text) =>
    patternParser(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, 'it must be six hexadecimal pairs')(_vm, text.toLowerCase()),
  fallback: () => linkMac,
})

/** A computed property: nothing can be stored. */
function computed(
  name: string,
  help: string,
  value: (vm: QubesVM) => string | null | undefined,
  flags: { readonly perInstance?: true } = {},
): Property<QubesVM, string | null> {
  return strProperty({ name, help, writable: 'never', ...flags, fallback: (vm) => value(vm) ?? null })
}

export const dns: Property<QubesVM, string | null> = computed('dns', 'Addresses of the name servers.', (vm) =>
  isNetworked(vm) ? dnsServers : null,
)

export const gateway: Property<QubesVM, string | null> = computed(
  'gateway',
  'Address under which clients reach this domain.',
  (vm) => (vm.get(providesNetwork) ? vm.get(visibleIp) : null),
  { perInstance: true },
)

export const gateway6: Property<QubesVM, string | null> = computed(
  'gateway6',
  'IPv6 address under which clients reach this domain.',
  (vm) => (vm.get(providesNetwork) && ipv6Enabled(vm) ? vm.get(visibleIp6) : null),
  { perInstance: true },
)

export const visibleIp: Property<QubesVM, string | null> = computed(
  'visible_ip',
  'IPv4 address as the domain sees it.',
  (vm) => vm.featureWithTemplate('net.fake-ip') ?? vm.get(ip),
  { perInstance: true },
)

export const visibleIp6: Property<QubesVM, string | null> = computed(
  'visible_ip6',
  'IPv6 address as the domain sees it.',
  (vm) => vm.get(ip6),
  { perInstance: true },
)

export const visibleGateway: Property<QubesVM, string | null> = computed(
  'visible_gateway',
  'Gateway as the domain sees it.',
  (vm) => vm.featureWithTemplate('net.fake-gateway') ?? ofNetvm(vm, (provider) => provider.get(gateway)),
  { perInstance: true },
)

export const visibleGateway6: Property<QubesVM, string | null> = computed(
  'visible_gateway6',
  'IPv6 gateway as the domain sees it.',
  (vm) => (ipv6Enabled(vm) ? ofNetvm(vm, (provider) => provider.get(gateway6)) : null),
  { perInstance: true },
)

export const visibleNetmask: Property<QubesVM, string | null> = computed(
  'visible_netmask',
  'Netmask as the domain sees it.',
  (vm) => vm.featureWithTemplate('net.fake-netmask') ?? ofNetvm(vm, () => clientNetmask),
)

function ofNetvm(vm: QubesVM, read: (provider: BaseVM) => string | null | undefined): string | null {
  const provider = vm.get(netvm)
  return (provider && read(provider)) ?? null
}

export const netProperties: readonly AnyProperty[] = [
  providesNetwork,
  netvm,
  ip,
  ip6,
  mac,
  dns,
  gateway,
  gateway6,
  visibleIp,
  visibleIp6,
  visibleGateway,
  visibleGateway6,
  visibleNetmask,
]

/** For the default netvm of the system: refuses one whose own network would lead back to itself. */
export function checkDefaultNetvm(value: BaseVM | null): void {
  if (!value) return
  if (!value.get(providesNetwork))
    throw new QubesPropertyValueError(msg`${value.name} does not provide network: set its provides_network first`)
  for (let at: BaseVM | null | undefined = value; at; at = at.get(netvm)) {
    const usesDefault = at.propertyTable.get(netvmName)?.systemDefault !== undefined && at.isDefault(netvm)
    if (usesDefault) throw new QubesPropertyValueError(msg`Network loop on ${at.name}: set its netvm to none first`)
  }
}

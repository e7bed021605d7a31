import { msg, QubesException, type XmlElement } from '@cloister/kit'
import type { DriverCapabilities } from '@cloister/libvirt'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { GuestDevices } from './pc-xml.ts'
import { kvmXml, qemuXml } from './qemu-xml.ts'
import { testXml } from './test-xml.ts'

/** Makes the configuration of a domain for one type of hypervisor. */
export type DomainXml = (vm: QubesVM, devices: GuestDevices, capabilities: DriverCapabilities) => XmlElement

/** By the type of domain that a driver asks for (`<domain type>`). */
const domainTypes: ReadonlyMap<string, DomainXml> = new Map([
  ['kvm', kvmXml],
  ['qemu', qemuXml],
  ['test', testXml],
])

/** The maker of configurations for a driver's type of domain. @throws QubesException when there is none */
export function domainXmlOf({ domainType }: DriverCapabilities): DomainXml {
  const make = domainTypes.get(domainType)
  if (make) return make
  const known = [...domainTypes.keys()].join(', ')
  throw new QubesException(
    msg`The hypervisor runs domains of the type '${domainType}', for which there is no configuration: choose a hypervisor for one of ${known}`,
  )
}

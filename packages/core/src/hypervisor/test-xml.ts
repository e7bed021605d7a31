import type { XmlElement } from '@cloister/kit'
import type { DriverCapabilities } from '@cloister/libvirt'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { type GuestDevices, pcXml } from './pc-xml.ts'

/** A domain of libvirt's test driver, in which nothing runs. */
export function testXml(vm: QubesVM, devices: GuestDevices, capabilities: DriverCapabilities): XmlElement {
  return pcXml(vm, devices, capabilities, undefined)
}

import { type XmlElement, xml } from '@cloister/kit'
import type { DriverCapabilities } from '@cloister/libvirt'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { type GuestDevices, pcXml } from './pc-xml.ts'

/** A domain whose processor QEMU emulates: it can do everything that QEMU can. */
export function qemuXml(vm: QubesVM, devices: GuestDevices, capabilities: DriverCapabilities): XmlElement {
  return pcXml(vm, devices, capabilities, xml('cpu', { mode: 'maximum' }))
}

/** A domain that runs on the host's processor, without nested virtualisation. */
export function kvmXml(vm: QubesVM, devices: GuestDevices, capabilities: DriverCapabilities): XmlElement {
  const disabled = ['vmx', 'svm'].map((name) => xml('feature', { policy: 'disable', name }))
  return pcXml(vm, devices, capabilities, xml('cpu', { mode: 'host-passthrough' }, ...disabled))
}

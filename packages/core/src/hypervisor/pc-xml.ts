import { type XmlElement, xml } from '@cloister/kit'
import type { DriverCapabilities } from '@cloister/libvirt'
import type { BlockDevice } from '@cloister/storage'
import { kernelCommandLine } from '../domains/properties/kernel-options.ts'
import { maxmem, memory, vcpus } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'

/** Port of the command channel in the guest. */
export const qrexecPort = 'org.cloister.qrexec.0'

/** A disk of the guest and the place that it has in the order of disks. */
export interface GuestDisk {
  /** Role of the volume, by which the guest finds the disk. */
  readonly role: string
  /** 0 is the first disk. */
  readonly position: number
  readonly device: BlockDevice
}

/** The devices that differ from guest to guest. */
export interface GuestDevices {
  readonly disks: readonly GuestDisk[]
  /** As the network back end made them. */
  readonly interfaces: readonly XmlElement[]
}

/**
 * The configuration of a PC for the hypervisor, in the blocks of reference storage-and-lifecycle, B.11, as C.1 and C.2 map them
 * to QEMU. Everything in it comes from typed values.
 * @param cpu the block that differs between the types of domains that are PCs; none leaves the choice to the hypervisor
 */
export function pcXml(
  vm: QubesVM,
  devices: GuestDevices,
  capabilities: DriverCapabilities,
  cpu: XmlElement | undefined,
): XmlElement {
  return xml(
    'domain',
    { type: capabilities.domainType },
    ...basicBlock(vm),
    osBlock(vm, capabilities),
    xml('features', {}, xml('acpi'), xml('apic')),
    cpu,
    xml('clock', { offset: vm.features.find('timezone') === 'localtime' ? 'localtime' : 'utc' }),
    ...(['on_poweroff', 'on_reboot', 'on_crash'] as const).map((name) => xml(name, {}, 'destroy')),
    devicesBlock(devices, capabilities),
  )
}

function basicBlock(vm: QubesVM): XmlElement[] {
  const start = vm.get(memory) ?? 0
  const ceiling = vm.hasMemoryHotplug ? start : Math.max(vm.get(maxmem) || start, start)
  return [
    xml('name', {}, vm.name),
    xml('uuid', {}, vm.uuid),
    xml('memory', { unit: 'MiB' }, ceiling),
    xml('currentMemory', { unit: 'MiB' }, start),
    xml('vcpu', {}, vm.get(vcpus) ?? 1),
  ]
}

function osBlock(vm: QubesVM, capabilities: DriverCapabilities): XmlElement {
  const type = xml('type', { arch: capabilities.arch }, 'hvm')
  const kernel = vm.kernel === undefined ? undefined : vm.app.kernels.get(vm.kernel)
  if (!kernel)
    return xml(
      'os',
      vm.featureWithTemplate('uefi') ? { firmware: 'efi' } : {},
      type,
      xml('boot', { dev: 'cdrom' }),
      xml('boot', { dev: 'hd' }),
    )
  return xml(
    'os',
    {},
    type,
    xml('kernel', {}, kernel.vmlinuz),
    kernel.initramfs === undefined ? undefined : xml('initrd', {}, kernel.initramfs),
    xml('cmdline', {}, kernelCommandLine(vm)),
  )
}

function devicesBlock({ disks, interfaces }: GuestDevices, capabilities: DriverCapabilities): XmlElement {
  return xml(
    'devices',
    {},
    ...disks.map(diskElement),
    ...interfaces,
    xml('serial', { type: 'unix' }, xml('target', { port: 0 })),
    xml('console', { type: 'unix' }, xml('target', { type: 'serial', port: 0 })),
    capabilities.channels
      ? xml('channel', { type: 'unix' }, xml('target', { type: 'virtio', name: qrexecPort }))
      : undefined,
    xml('memballoon', { model: capabilities.balloon ? 'virtio' : 'none' }),
    xml('rng', { model: 'virtio' }, xml('backend', { model: 'random' }, '/dev/urandom')),
  )
}

function diskElement({ role, position, device }: GuestDisk): XmlElement {
  return xml(
    'disk',
    { type: device.kind, device: 'disk' },
    xml('driver', {
      name: 'qemu',
      type: device.format,
      discard: 'unmap',
      cache: device.disposable ? 'unsafe' : undefined,
    }),
    sourceElement(device),
    backingElement(device),
    xml('target', { dev: `vd${String.fromCharCode('a'.charCodeAt(0) + position)}`, bus: 'virtio' }),
    xml('serial', {}, role),
    device.rw ? undefined : xml('readonly'),
  )
}

function sourceElement({ kind, path }: BlockDevice): XmlElement {
  return xml('source', { [kind === 'file' ? 'file' : 'dev']: path })
}

/** Names every image behind a disk and ends the chain, so that the hypervisor never follows what an image says of itself. */
function backingElement({ backing }: BlockDevice): XmlElement {
  if (!backing) return xml('backingStore')
  return xml(
    'backingStore',
    { type: backing.kind },
    xml('format', { type: backing.format }),
    sourceElement(backing),
    backingElement(backing),
  )
}

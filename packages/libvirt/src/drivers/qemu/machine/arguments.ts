import type { DomainDefinition } from '../../../domain-definition.ts'
import { addCharacterDevices, addInterface, addSmallDevices } from './device-arguments.ts'
import { addDisk } from './disk-arguments.ts'
import { Invocation, optionValue } from './invocation.ts'
import { rootPorts } from './pci-slots.ts'

/** What runs a guest's instructions: the processor, or QEMU. */
export type Accelerator = 'kvm' | 'tcg'

/** A definition, and the files of the host that a machine is made from. */
export interface MachinePlan {
  readonly definition: DomainDefinition
  readonly accelerator: Accelerator
  /** Folder of the sockets, QEMU's own. */
  readonly folder: string
  /** Takes what the guest writes to its first serial port; QEMU's user owns it. */
  readonly consoleLog: string
  /** Files of a direct kernel boot, which QEMU's user may read. */
  readonly kernel?: string
  readonly initrd?: string
  /** Firmware other than the BIOS that QEMU brings: its code, and its variables, which are the domain's own. */
  readonly firmware?: { readonly code: string; readonly variables: string }
}

/** Name of the monitor's socket in the run folder. */
export const monitorSocket = 'monitor'

/** Memory for translated code, MiB: QEMU would take up to a GiB. */
export const translationCacheMib = 256

/**
 * The arguments of QEMU for a machine whose processors wait until the monitor starts them (reference: storage-and-lifecycle, C).
 * They depend neither on a configuration file nor on a default that differs between versions of QEMU.
 */
export function qemuInvocation(plan: MachinePlan): Invocation {
  const { definition } = plan
  const invocation = new Invocation()
  const folder = invocation.path(plan.folder, 'read')
  invocation
    .option('no-user-config')
    .option('nodefaults')
    .option('display', 'none')
    .option('name', `guest=${optionValue(definition.name)},debug-threads=on`)
    .option('uuid', definition.uuid)
    .option('S')
    .option('sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny')
    .option('msg', 'timestamp=on')
    .option('chardev', `socket,id=monitor,path=${folder}/${monitorSocket},server=on,wait=off`)
    .option('mon', 'chardev=monitor,mode=control')
  addProcessor(invocation, plan)
  addBoot(invocation, plan)
  addDevices(invocation, plan, folder)
  return invocation
}

function addProcessor(invocation: Invocation, { definition, accelerator }: MachinePlan): void {
  const { os, features, cpu } = definition
  const acpi = features.includes('acpi') ? 'on' : 'off'
  // On a busy host, Linux without an HPET may find that the emulated interval timer does not tick, and panics.
  const hpet = accelerator === 'kvm' ? 'off' : 'on'
  const machine = `${os.machine ?? 'q35'},usb=off,dump-guest-core=off,mem-merge=off,vmport=off,hpet=${hpet},acpi=${acpi}`
  const reboot = definition.onReboot === 'destroy' ? 'shutdown' : 'reset'
  const model = accelerator === 'kvm' && cpu.mode !== 'maximum' ? 'host' : 'max'
  invocation
    .option('machine', machine)
    .option('accel', accelerator === 'kvm' ? 'kvm' : `tcg,thread=multi,tb-size=${translationCacheMib}`)
    .option('cpu', [model, ...cpu.disabled.map((name) => `${name}=off`)].join(','))
    .option('smp', `cpus=${definition.vcpus},sockets=1,cores=${definition.vcpus},threads=1`)
    .option('m', `size=${definition.maxMemory}k`)
    .option('rtc', `base=${definition.clock},driftfix=slew`)
    .option('action', `reboot=${reboot},shutdown=poweroff,panic=shutdown,watchdog=reset`)
  for (const [property, value] of Object.entries(chipSet(definition)))
    invocation.option('global', `ICH9-LPC.${property}=${value}`)
}

/** Properties of q35's chip set: its watchdog works, and the guest is offered the kinds of sleep that it may use. */
function chipSet({ pm }: DomainDefinition): Readonly<Record<string, string>> {
  return {
    noreboot: 'off',
    disable_s3: pm.suspendToMem ? '0' : '1',
    disable_s4: pm.suspendToDisk ? '0' : '1',
  }
}

function addBoot(invocation: Invocation, { definition, kernel, initrd, firmware }: MachinePlan): void {
  invocation.option('boot', 'strict=on')
  if (kernel !== undefined) invocation.option('kernel', invocation.path(kernel, 'read'))
  if (initrd !== undefined) invocation.option('initrd', invocation.path(initrd, 'read'))
  if (definition.os.cmdline !== undefined) invocation.option('append', definition.os.cmdline)
  if (!firmware) return
  addFlash(invocation, 'pflash0', firmware.code, 'read')
  addFlash(invocation, 'pflash1', firmware.variables, 'readwrite')
}

function addFlash(invocation: Invocation, name: string, path: string, access: 'read' | 'readwrite'): void {
  const shared = { 'read-only': access === 'read', 'auto-read-only': false }
  const filename = invocation.image(path, access)
  invocation.json('blockdev', { driver: 'file', filename, 'node-name': `${name}-file`, ...shared })
  invocation.json('blockdev', { driver: 'raw', file: `${name}-file`, 'node-name': name, ...shared })
  invocation.option('machine', `${name}=${name}`)
}

function addDevices(invocation: Invocation, { definition, consoleLog }: MachinePlan, folder: string): void {
  const { disks, interfaces } = definition.devices
  for (const port of rootPorts()) invocation.json('device', port)
  addCharacterDevices(invocation, definition, folder, invocation.path(consoleLog, 'readwrite'))
  const order = bootOrder(definition)
  for (const disk of disks) addDisk(invocation, disk, order.get(disk))
  for (const [index, one] of interfaces.entries()) addInterface(invocation, one, index, order.get(one))
  addSmallDevices(invocation, definition)
}

/** The devices that firmware boots from, numbered from 1: kind by kind, each kind in the order of the definition. */
function bootOrder({ os, devices }: DomainDefinition): Map<object, number> {
  const kinds: Readonly<Record<'hd' | 'cdrom' | 'network', readonly object[]>> = {
    hd: devices.disks.filter(({ device }) => device === 'disk'),
    cdrom: devices.disks.filter(({ device }) => device === 'cdrom'),
    network: devices.interfaces,
  }
  const order = os.kernel === undefined ? os.boot.flatMap((kind) => kinds[kind]) : []
  return new Map(order.map((device, at) => [device, at + 1]))
}

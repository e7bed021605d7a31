import type { DeviceDefinitions, DiskDefinition, DomainDefinition } from '../../../domain-definition.ts'
import { LibvirtError } from '../../../error.ts'
import type { Accelerator } from './arguments.ts'
import { diskIndex } from './disk-arguments.ts'
import { portCount } from './pci-slots.ts'

/** What machines on this host can have. */
export interface HostAbilities {
  readonly arch: string
  readonly accelerator: Accelerator
  readonly firmware: readonly ('bios' | 'efi')[]
}

interface Rule {
  /** Says what is not supported. */
  readonly because: string
  readonly applies: (definition: DomainDefinition, host: HostAbilities) => boolean
}

/** Ports of the SATA controller of q35, and of the ISA bus. */
const sataPorts = 6
const serialPorts = 4
/** Ports of virtio-serial, without the one that belongs to a console. */
const virtioPorts = 30

const rules: readonly Rule[] = [
  { because: "this driver has no domains of type 'test'", applies: ({ type }) => type === 'test' },
  {
    because: "KVM is not usable on this host: choose <domain type='qemu'>, which emulates the processor",
    applies: ({ type }, { accelerator }) => type === 'kvm' && accelerator !== 'kvm',
  },
  {
    because: 'the architecture must be the one that this driver has QEMU for',
    applies: ({ os }, { arch }) => os.arch !== arch,
  },
  {
    because: 'the machine type must be q35 or one of its versions',
    applies: ({ os }) => os.machine !== undefined && !/^(q35|pc-q35-[0-9]+\.[0-9]+)$/.test(os.machine),
  },
  {
    because: "the firmware 'efi' is not installed: install OVMF (Debian and Ubuntu: ovmf)",
    applies: ({ os }, { firmware }) => !firmware.includes(os.firmware),
  },
  {
    because: "the processor 'host-passthrough' needs a domain of type 'kvm'",
    applies: ({ type, cpu }) => type !== 'kvm' && cpu.mode === 'host-passthrough',
  },
  { because: "on_poweroff must be 'destroy'", applies: ({ onPoweroff }) => onPoweroff !== 'destroy' },
  { because: "on_crash must be 'destroy'", applies: ({ onCrash }) => onCrash !== 'destroy' },
  {
    because: `virtio disks must be named vda to vd${String.fromCharCode(96 + portCount('disk'))}, each letter once`,
    applies: ({ devices }) => !fits(devices, 'virtio', portCount('disk')),
  },
  {
    because: `SATA disks must be named sda to sd${String.fromCharCode(96 + sataPorts)}, each letter once`,
    applies: ({ devices }) => !fits(devices, 'sata', sataPorts),
  },
  {
    because: 'a SATA disk cannot be read only: choose virtio',
    applies: ({ devices }) =>
      devices.disks.some((disk) => disk.bus === 'sata' && disk.device === 'disk' && disk.readonly),
  },
  {
    because: 'a CD-ROM drive must be on the SATA bus',
    applies: ({ devices }) => devices.disks.some(({ bus, device }) => device === 'cdrom' && bus !== 'sata'),
  },
  {
    because: `there are ${portCount('interface')} network cards at most`,
    applies: ({ devices }) => devices.interfaces.length > portCount('interface'),
  },
  {
    because: `there are ${serialPorts} serial ports at most`,
    applies: ({ devices }) => devices.serials.length > serialPorts,
  },
  {
    because: `there are ${virtioPorts} consoles and channels at most`,
    applies: ({ devices }) => devices.serials.length + devices.consoles.length + devices.channels.length > virtioPorts,
  },
]

/** Refuses what this driver cannot do on this host, all of it in one error. @throws LibvirtError CONFIG_UNSUPPORTED */
export function refuseUnsupported(definition: DomainDefinition, host: HostAbilities): void {
  const reasons = rules.filter(({ applies }) => applies(definition, host)).map(({ because }) => because)
  if (reasons.length > 0) throw new LibvirtError('CONFIG_UNSUPPORTED', reasons.join('; '), { domain: 'QEMU' })
}

function fits({ disks }: DeviceDefinitions, bus: DiskDefinition['bus'], places: number): boolean {
  const taken = disks.filter((disk) => disk.bus === bus).map(diskIndex)
  return taken.every((index) => index < places) && new Set(taken).size === taken.length
}

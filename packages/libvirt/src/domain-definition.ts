/**
 * A domain: the typed form of domain XML (reference: libvirt, 8.4). It has a member for everything that a driver can honour;
 * the parser refuses the rest by its path, so that nothing that the XML asks for is silently ignored.
 */
export interface DomainDefinition {
  readonly type: 'qemu' | 'kvm' | 'test'
  readonly name: string
  /** Lower case with dashes; made by the parser when the XML has none. */
  readonly uuid: string
  readonly title?: string
  readonly description?: string
  /** Children of `<metadata>`, as XML text. */
  readonly metadata?: string
  /** Most memory, KiB (`<memory>`). */
  readonly maxMemory: number
  /** Memory at start, KiB (`<currentMemory>`); the balloon holds the rest of `maxMemory`. */
  readonly memory: number
  readonly vcpus: number
  readonly os: OsDefinition
  /** Names of `<features>` children, such as `acpi`. */
  readonly features: readonly string[]
  readonly cpu: CpuDefinition
  readonly clock: 'utc' | 'localtime'
  readonly onPoweroff: LifecycleAction
  readonly onReboot: LifecycleAction
  readonly onCrash: LifecycleAction
  readonly pm: PowerManagementDefinition
  readonly devices: DeviceDefinitions
}

/** Whether the firmware offers the guest to suspend itself to its RAM and to its disk. */
export interface PowerManagementDefinition {
  readonly suspendToMem: boolean
  readonly suspendToDisk: boolean
}

export type LifecycleAction = 'destroy' | 'restart'

export interface CpuDefinition {
  readonly mode: 'default' | 'host-passthrough' | 'maximum'
  /** Features switched off, such as `vmx`. */
  readonly disabled: readonly string[]
}

export interface OsDefinition {
  readonly arch: string
  readonly machine?: string
  /** Direct kernel boot, when given. */
  readonly kernel?: string
  readonly initrd?: string
  readonly cmdline?: string
  /** Firmware boot: `bios` unless a loader is asked for. */
  readonly firmware: 'bios' | 'efi'
  /** Boot order of firmware boot. */
  readonly boot: readonly ('hd' | 'cdrom' | 'network')[]
}

export interface DeviceDefinitions {
  readonly emulator?: string
  readonly disks: readonly DiskDefinition[]
  readonly interfaces: readonly InterfaceDefinition[]
  readonly serials: readonly CharacterDeviceDefinition[]
  /** Consoles of virtio. A console that is a serial port is a member of `serials` instead. */
  readonly consoles: readonly CharacterDeviceDefinition[]
  readonly channels: readonly CharacterDeviceDefinition[]
  readonly balloon: boolean
  readonly rng: boolean
  readonly panic: boolean
}

/** Formats of disk images. */
export type ImageFormat = 'raw' | 'qcow2'

/** A disk image, and the image that it was made over. */
export interface ImageDefinition {
  readonly source: { readonly kind: 'file' | 'block'; readonly path: string }
  /** Always named in the XML: an image's format is never probed. */
  readonly format: ImageFormat
  /**
   * The backing image (`<backingStore>`), which is only read. Null: the chain ends here, whatever the image itself says
   * (an empty `<backingStore/>`). Absent: the XML does not say; an image that names a backing image is then refused.
   */
  readonly backing?: ImageDefinition | null
}

export interface DiskDefinition extends ImageDefinition {
  readonly device: 'disk' | 'cdrom'
  /** Name in the guest: `vda`, `vdb`, … */
  readonly target: string
  readonly bus: 'virtio' | 'sata'
  readonly readonly: boolean
  readonly serial?: string
  readonly discard: 'unmap' | 'ignore'
  /** `unsafe`: flushes are skipped, and the content may be lost when the host fails. */
  readonly cache: 'default' | 'unsafe'
}

export interface InterfaceDefinition {
  readonly kind: 'user' | 'ethernet'
  readonly mac: string
  readonly model: 'virtio' | 'e1000'
  /** Name of the tap device (`ethernet`), which must exist. */
  readonly target?: string
}

export interface CharacterDeviceDefinition {
  readonly backend: 'pty' | 'unix'
  /** Path of the socket (`unix`); made by the driver when not given. */
  readonly path?: string
  readonly target: 'serial' | 'virtio'
  /** Name of a virtio port, such as `org.cloister.qrexec.0`. */
  readonly name?: string
  /** Alias, such as `serial0`, `channel1`. */
  readonly alias: string
}

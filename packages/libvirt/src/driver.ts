import type { DeviceDriver, NetworkDriver, StoragePoolDriver, StreamDriver } from './driver-groups.ts'

/** States of a domain (`virDomainState`; reference: libvirt, 1.1). */
export const domainStates = {
  nostate: 0,
  running: 1,
  blocked: 2,
  paused: 3,
  shutdown: 4,
  shutoff: 5,
  crashed: 6,
  pmsuspended: 7,
} as const

export type DomainState = keyof typeof domainStates

/** A state and the number of its reason (`virDomain<State>Reason`). */
export interface DomainStateAndReason {
  readonly state: DomainState
  readonly reason: number
  /** More on the reason, in words: which disk is full, why a run was ended. */
  readonly why?: string
}

/** Handle of a domain. The uuid identifies it; name and id are those of the moment when the handle was made (id -1: not running). */
export interface DomainHandle {
  readonly name: string
  readonly uuid: string
  readonly id: number
}

export interface DomainInfo extends DomainStateAndReason {
  /** KiB. */
  readonly maxMemory: number
  /** KiB. */
  readonly memory: number
  readonly vcpus: number
  /** Nanoseconds. */
  readonly cpuTime: bigint
}

/**
 * Memory of a running domain, as host and guest see it (`virDomainMemoryStats`), KiB. The guest reports through its balloon
 * and may report any number; a value that it did not report, or reported as unknown, is missing.
 */
export interface DomainMemoryStats {
  /** Memory that the balloon leaves to the guest. */
  readonly actual: number
  /** Memory of the host that the domain occupies. */
  readonly rss?: number
  /** All memory that the guest's kernel manages. */
  readonly available?: number
  /** Memory that nothing in the guest uses. */
  readonly unused?: number
  /** Memory that a new program in the guest could get without swapping: unused memory and caches. */
  readonly usable?: number
  /** Read from swap since the guest started. */
  readonly swapIn?: number
  /** Written to swap since the guest started. */
  readonly swapOut?: number
  /** Time of the guest's last report, seconds since 1970; missing when there was none. */
  readonly lastUpdate?: number
}

/** Kinds of life-cycle events (`virDomainEventType`; reference: libvirt, 6). */
export const lifecycleEvents = {
  defined: 0,
  undefined: 1,
  started: 2,
  suspended: 3,
  resumed: 4,
  stopped: 5,
  shutdown: 6,
  pmsuspended: 7,
  crashed: 8,
} as const

export type LifecycleEventKind = keyof typeof lifecycleEvents

export interface LifecycleEvent {
  readonly domain: DomainHandle
  readonly event: LifecycleEventKind
  /** `virDomainEvent<Kind>DetailType`. */
  readonly detail: number
  /** More on the detail, in words: which disk is full, why a run was ended. */
  readonly why?: string
}

/** Stops the delivery of events. */
export interface Subscription {
  close(): void
}

/** Both directions of a console; `output` ends when the domain stops or the console is closed. */
export interface ConsoleStream {
  readonly output: AsyncIterable<Uint8Array>
  write(bytes: Uint8Array): Promise<void>
  close(): void
}

/** What a driver can do for a domain. Callers decide by this, never by the name of the driver. */
export interface DriverCapabilities {
  /** Value of `<domain type>` to use, such as `kvm`, `qemu`, `test`; each driver has its own. */
  readonly domainType: string
  readonly arch: string
  /** No other program runs guests through this hypervisor: a guest that the caller does not know is a leftover of its own. */
  readonly exclusive: boolean
  /** Guests report and yield memory through a balloon. */
  readonly balloon: boolean
  /** A guest can be suspended to its RAM. */
  readonly suspend: boolean
  /** A guest can boot a kernel and an initrd that are files of the host. */
  readonly directKernelBoot: boolean
  /** Formats of disk images. */
  readonly diskFormats: readonly ('raw' | 'qcow2')[]
  /** Ports between host and guest (virtio-serial). */
  readonly channels: boolean
  /** Firmware for guests that boot from a disk or the network. */
  readonly firmware: readonly ('bios' | 'efi')[]
}

/** Flags of `domainCreate` (`virDomainCreateFlags`). */
export interface CreateFlags {
  readonly paused?: boolean
}

/**
 * The one interface between the object model and a hypervisor. Methods are named as libvirt's (reference: libvirt, 1.2) and
 * throw `LibvirtError` with libvirt's codes. State rules are those of reference libvirt, 1.1.
 */
export interface Driver {
  /** The URI that the connection was opened with, normalised. */
  readonly uri: string
  /** `QEMU`, `TEST`, … (`virConnectGetType`). */
  readonly type: string
  /**
   * Resolves with the reason when the connection to the hypervisor is lost: no call is answered and no event arrives any more,
   * and the states of the domains are unknown. It never rejects, does not resolve for `connectClose`, and never resolves for a
   * driver that runs in this process.
   */
  readonly closed: Promise<Error>

  /** Devices of running domains; absent when the driver cannot change them. */
  readonly devices?: DeviceDriver
  /** Networks; absent when the driver has none. */
  readonly networks?: NetworkDriver
  /** Storage pools; absent when the driver has none. */
  readonly storagePools?: StoragePoolDriver
  /** Streams between a client and a domain, other than consoles; absent when the driver has none. */
  readonly streams?: StreamDriver

  connectGetCapabilities(): Promise<DriverCapabilities>
  /** Hypervisor version, as major * 1000000 + minor * 1000 + release. */
  connectGetVersion(): Promise<number>
  connectGetHostname(): Promise<string>
  connectListAllDomains(filter?: { readonly active?: boolean }): Promise<DomainHandle[]>
  /** Releases what the connection holds. Domains keep running when the guests of the driver outlive it. */
  connectClose(): Promise<void>
  /**
   * Calls `listener` for each life-cycle event, in the order of the changes. A driver that has to ask a daemon returns a
   * promise; no event after it resolves is missed.
   */
  connectDomainEventRegister(listener: (event: LifecycleEvent) => void): Subscription | Promise<Subscription>

  domainLookupByName(name: string): Promise<DomainHandle>
  domainLookupByUUID(uuid: string): Promise<DomainHandle>
  domainLookupByID(id: number): Promise<DomainHandle>

  /** Stores a configuration. @throws LibvirtError CONFIG_UNSUPPORTED with everything that the driver cannot do */
  domainDefineXML(xml: string): Promise<DomainHandle>
  domainUndefine(domain: DomainHandle): Promise<void>
  /** Starts a defined domain; returns when it runs, or, with `paused`, when it is ready to run. */
  domainCreate(domain: DomainHandle, flags?: CreateFlags): Promise<DomainHandle>
  domainCreateXML(xml: string, flags?: CreateFlags): Promise<DomainHandle>
  /** Asks the guest to shut down; returns at once. */
  domainShutdown(domain: DomainHandle): Promise<void>
  /** Ends the domain now. When the call returns, the process is gone and its images are closed. */
  domainDestroy(domain: DomainHandle): Promise<void>
  domainSuspend(domain: DomainHandle): Promise<void>
  domainResume(domain: DomainHandle): Promise<void>
  /** Suspends the guest to its RAM. @throws LibvirtError OPERATION_UNSUPPORTED, NO_SUPPORT */
  domainPMSuspend(domain: DomainHandle): Promise<void>
  domainPMWakeup(domain: DomainHandle): Promise<void>

  domainGetState(domain: DomainHandle): Promise<DomainStateAndReason>
  domainGetInfo(domain: DomainHandle): Promise<DomainInfo>
  domainGetXMLDesc(domain: DomainHandle, flags?: { readonly inactive?: boolean }): Promise<string>
  domainIsPersistent(domain: DomainHandle): Promise<boolean>
  /** Sets the memory that the guest may use now, KiB. */
  domainSetMemory(domain: DomainHandle, memory: number): Promise<void>
  /** Memory of a running domain as host and guest see it. */
  domainMemoryStats(domain: DomainHandle): Promise<DomainMemoryStats>
  /** Tells a running guest that a disk (by target name) has a new size, bytes. */
  domainBlockResize(domain: DomainHandle, disk: string, size: bigint): Promise<void>
  /** Opens the console of that alias, or the first; one user at a time unless `force`. */
  domainOpenConsole(domain: DomainHandle, alias?: string, flags?: { readonly force?: boolean }): Promise<ConsoleStream>
}

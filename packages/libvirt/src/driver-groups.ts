import type { ConsoleStream, DomainHandle } from './driver.ts'

// Groups of calls that a driver has or has not: optional members of `Driver`. The object model answers NO_SUPPORT for a group
// that a driver lacks. Methods are named as libvirt's (reference: libvirt, 1.2) and throw `LibvirtError` with libvirt's codes.

/** What a change of devices applies to (`virDomainModificationImpact`); the state that the domain is in when neither is set. */
export interface DeviceChangeFlags {
  /** The running domain. */
  readonly live?: boolean
  /** The stored configuration. */
  readonly config?: boolean
}

export interface DeviceDriver {
  /** Adds a device, given as its element of domain XML. */
  domainAttachDeviceFlags(domain: DomainHandle, xml: string, flags?: DeviceChangeFlags): Promise<void>
  /** Removes the device that the element names; returns when a running guest has let it go. */
  domainDetachDeviceFlags(domain: DomainHandle, xml: string, flags?: DeviceChangeFlags): Promise<void>
}

/** Handle of a network: the uuid decides. */
export interface NetworkHandle {
  readonly name: string
  readonly uuid: string
}

export interface NetworkDriver {
  connectListAllNetworks(filter?: { readonly active?: boolean }): Promise<NetworkHandle[]>
  networkLookupByName(name: string): Promise<NetworkHandle>
}

/** Handle of a storage pool: the uuid decides. */
export interface StoragePoolHandle {
  readonly name: string
  readonly uuid: string
}

export interface StoragePoolDriver {
  connectListAllStoragePools(filter?: { readonly active?: boolean }): Promise<StoragePoolHandle[]>
  storagePoolLookupByName(name: string): Promise<StoragePoolHandle>
}

export interface StreamDriver {
  /** Opens the channel of that name or alias, or the first; one user at a time unless `force`. */
  domainOpenChannel(domain: DomainHandle, name?: string, flags?: { readonly force?: boolean }): Promise<ConsoleStream>
}

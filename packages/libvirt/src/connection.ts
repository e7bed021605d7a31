import { Domain } from './domain.ts'
import type {
  CreateFlags,
  DomainHandle,
  Driver,
  DriverCapabilities,
  LifecycleEventKind,
  Subscription,
} from './driver.ts'
import type { NetworkHandle, StoragePoolHandle } from './driver-groups.ts'
import type { DriverEnvironment } from './drivers/driver-environment.ts'
import { openDriver } from './drivers/registry.ts'
import { LibvirtError } from './error.ts'
import { supported } from './supported.ts'
import { parseUri } from './uri.ts'

/** A change in the life of a domain. */
export interface DomainLifecycleEvent {
  readonly domain: Domain
  readonly event: LifecycleEventKind
  /** A number of `lifecycleDetails`. */
  readonly detail: number
  /** More on the detail, in words: which disk is full, why a run was ended. */
  readonly why?: string
}

/**
 * A connection to a hypervisor, through which all other objects are reached. Methods are libvirt's `virConnect…` and throw
 * `LibvirtError` with libvirt's codes; INVALID_CONN once the connection is closed.
 */
export class Connection implements AsyncDisposable {
  /** Resolves with the reason when the connection is lost; neither `close` nor a driver in this process resolves it. */
  readonly closed: Promise<Error>
  #driver: Driver | undefined

  /** A connection over a driver that is open already; `Connection.open` opens one by URI. */
  constructor(driver: Driver) {
    this.#driver = driver
    this.closed = driver.closed
  }

  /**
   * Opens a connection to the hypervisor that a URI names (reference: libvirt, 2.1): `test:///default`, `test:///empty`, `qemu:///embed?root=DIR`.
   * @throws LibvirtError INVALID_ARG when the URI is malformed, NO_CONNECT or NO_SUPPORT when no driver serves it
   */
  static async open(uri: string, environment: DriverEnvironment): Promise<Connection> {
    return new Connection(await openDriver(parseUri(uri), environment))
  }

  /** The driver behind the connection, for a server that passes its calls on. @throws LibvirtError INVALID_CONN */
  get driver(): Driver {
    if (this.#driver) return this.#driver
    throw new LibvirtError('INVALID_CONN', 'a call after close')
  }

  /** `QEMU`, `TEST`, … */
  getType(): string {
    return this.driver.type
  }

  getURI(): string {
    return this.driver.uri
  }

  /** Version of the hypervisor, as major * 1000000 + minor * 1000 + release. */
  async getVersion(): Promise<number> {
    return this.driver.connectGetVersion()
  }

  async getHostname(): Promise<string> {
    return this.driver.connectGetHostname()
  }

  /** What the driver can do for domains of this connection. */
  async getCapabilities(): Promise<DriverCapabilities> {
    return this.driver.connectGetCapabilities()
  }

  /** All domains, or only those that are active or not. */
  async listAllDomains(filter: { readonly active?: boolean } = {}): Promise<Domain[]> {
    const handles = await this.driver.connectListAllDomains(filter)
    return handles.map((handle) => this.#domain(handle))
  }

  /** @throws LibvirtError NO_DOMAIN */
  async lookupDomainByName(name: string): Promise<Domain> {
    return this.#domain(await this.driver.domainLookupByName(name))
  }

  /** @param uuid with or without dashes. @throws LibvirtError NO_DOMAIN, INVALID_ARG */
  async lookupDomainByUUID(uuid: string): Promise<Domain> {
    return this.#domain(await this.driver.domainLookupByUUID(uuid))
  }

  /** @throws LibvirtError NO_DOMAIN */
  async lookupDomainByID(id: number): Promise<Domain> {
    return this.#domain(await this.driver.domainLookupByID(id))
  }

  /**
   * Stores the configuration of a new domain, or of the next start of an existing one.
   * @throws LibvirtError XML_ERROR, XML_DETAIL, CONFIG_UNSUPPORTED; OPERATION_FAILED when name or uuid is another domain's
   */
  async defineDomain(xml: string): Promise<Domain> {
    return this.#domain(await this.driver.domainDefineXML(xml))
  }

  /** Starts a domain from XML without storing it. @throws LibvirtError as `defineDomain`; OPERATION_INVALID when it is active */
  async createDomain(xml: string, flags: CreateFlags = {}): Promise<Domain> {
    return this.#domain(await this.driver.domainCreateXML(xml, flags))
  }

  /** All networks, or only those that are active or not. @throws LibvirtError NO_SUPPORT */
  async listAllNetworks(filter: { readonly active?: boolean } = {}): Promise<NetworkHandle[]> {
    return supported(this.driver.networks, 'virConnectListAllNetworks').connectListAllNetworks(filter)
  }

  /** @throws LibvirtError NO_SUPPORT */
  async lookupNetworkByName(name: string): Promise<NetworkHandle> {
    return supported(this.driver.networks, 'virNetworkLookupByName').networkLookupByName(name)
  }

  /** All storage pools, or only those that are active or not. @throws LibvirtError NO_SUPPORT */
  async listAllStoragePools(filter: { readonly active?: boolean } = {}): Promise<StoragePoolHandle[]> {
    return supported(this.driver.storagePools, 'virConnectListAllStoragePools').connectListAllStoragePools(filter)
  }

  /** @throws LibvirtError NO_SUPPORT */
  async lookupStoragePoolByName(name: string): Promise<StoragePoolHandle> {
    return supported(this.driver.storagePools, 'virStoragePoolLookupByName').storagePoolLookupByName(name)
  }

  /** Calls `listener` for each change in the life of a domain, in the order of the changes, from when the promise resolves. */
  async on(_event: 'lifecycle', listener: (event: DomainLifecycleEvent) => void): Promise<Subscription> {
    return this.driver.connectDomainEventRegister((event) => listener({ ...event, domain: this.#domain(event.domain) }))
  }

  /** Releases what the connection holds; closing again does nothing. */
  async close(): Promise<void> {
    const driver = this.#driver
    this.#driver = undefined
    await driver?.connectClose()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #domain(handle: DomainHandle): Domain {
    return new Domain(this, handle)
  }
}

import type { Connection } from './connection.ts'
import type {
  ConsoleStream,
  CreateFlags,
  DomainHandle,
  DomainInfo,
  DomainMemoryStats,
  DomainStateAndReason,
} from './driver.ts'
import type { DeviceChangeFlags } from './driver-groups.ts'
import { supported } from './supported.ts'

/**
 * A domain of a connection. It is a light handle: one domain may have many. Methods are libvirt's `virDomain…`
 * and throw `LibvirtError` with libvirt's codes; NO_DOMAIN when the domain is gone (reference: libvirt, 1).
 */
export class Domain {
  readonly connection: Connection
  #handle: DomainHandle

  constructor(connection: Connection, handle: DomainHandle) {
    this.connection = connection
    this.#handle = handle
  }

  get name(): string {
    return this.#handle.name
  }

  /** Lower case with dashes. */
  get uuid(): string {
    return this.#handle.uuid
  }

  /** Above 0 while the domain runs, otherwise -1; the value is that of the last call that returned it. */
  get id(): number {
    return this.#handle.id
  }

  /**
   * Starts the domain; with `paused` its processors wait for `resume`.
   * @throws LibvirtError OPERATION_INVALID when it is active
   */
  async create(flags: CreateFlags = {}): Promise<void> {
    this.#handle = await this.connection.driver.domainCreate(this.#handle, flags)
  }

  /** Ends the domain at once, as if the power failed. @throws LibvirtError OPERATION_INVALID when it is not active */
  async destroy(): Promise<void> {
    await this.connection.driver.domainDestroy(this.#handle)
    this.#handle = { ...this.#handle, id: -1 }
  }

  /** Asks the guest to shut down and returns at once; the guest may ignore the request. */
  async shutdown(): Promise<void> {
    await this.connection.driver.domainShutdown(this.#handle)
  }

  /** Stops the processors. */
  async suspend(): Promise<void> {
    await this.connection.driver.domainSuspend(this.#handle)
  }

  /** Starts the processors of a suspended domain again. */
  async resume(): Promise<void> {
    await this.connection.driver.domainResume(this.#handle)
  }

  /** Suspends the guest to its RAM. @throws LibvirtError NO_SUPPORT, OPERATION_UNSUPPORTED where that cannot be done */
  async pmSuspend(): Promise<void> {
    await this.connection.driver.domainPMSuspend(this.#handle)
  }

  /** Wakes a guest that is suspended to its RAM. */
  async pmWakeup(): Promise<void> {
    await this.connection.driver.domainPMWakeup(this.#handle)
  }

  /** Removes the stored configuration; a domain that is active runs until it ends. */
  async undefine(): Promise<void> {
    await this.connection.driver.domainUndefine(this.#handle)
  }

  /** The state, and the number of its reason as in `stateReasons`. */
  async getState(): Promise<DomainStateAndReason> {
    return this.connection.driver.domainGetState(this.#handle)
  }

  async getInfo(): Promise<DomainInfo> {
    return this.connection.driver.domainGetInfo(this.#handle)
  }

  /** Domain XML of the run while there is one, otherwise, or with `inactive`, of the stored configuration. */
  async getXMLDesc(flags: { readonly inactive?: boolean } = {}): Promise<string> {
    return this.connection.driver.domainGetXMLDesc(this.#handle, flags)
  }

  /** True while the domain runs, in whatever state. */
  async isActive(): Promise<boolean> {
    this.#handle = await this.connection.driver.domainLookupByUUID(this.uuid)
    return this.id !== -1
  }

  /** True when the domain has a stored configuration. */
  async isPersistent(): Promise<boolean> {
    return this.connection.driver.domainIsPersistent(this.#handle)
  }

  /** Sets the memory that the guest may use now, KiB. */
  async setMemory(memory: number): Promise<void> {
    await this.connection.driver.domainSetMemory(this.#handle, memory)
  }

  /** Memory as host and guest see it. @throws LibvirtError OPERATION_INVALID when the domain is not active */
  async memoryStats(): Promise<DomainMemoryStats> {
    return this.connection.driver.domainMemoryStats(this.#handle)
  }

  /** Tells a running guest the new size of a disk, bytes. @param disk its target, such as `vda` */
  async blockResize(disk: string, size: bigint): Promise<void> {
    await this.connection.driver.domainBlockResize(this.#handle, disk, size)
  }

  /** Opens the console of an alias, or the first. With `force` a client that has it open already loses it. */
  async openConsole(alias?: string, flags: { readonly force?: boolean } = {}): Promise<ConsoleStream> {
    return this.connection.driver.domainOpenConsole(this.#handle, alias, flags)
  }

  /** Adds a device, given as its element of domain XML. @throws LibvirtError NO_SUPPORT where devices cannot be changed */
  async attachDevice(xml: string, flags: DeviceChangeFlags = {}): Promise<void> {
    const { devices } = this.connection.driver
    await supported(devices, 'virDomainAttachDeviceFlags').domainAttachDeviceFlags(this.#handle, xml, flags)
  }

  /** Removes the device that the element names. @throws LibvirtError NO_SUPPORT where devices cannot be changed */
  async detachDevice(xml: string, flags: DeviceChangeFlags = {}): Promise<void> {
    const { devices } = this.connection.driver
    await supported(devices, 'virDomainDetachDeviceFlags').domainDetachDeviceFlags(this.#handle, xml, flags)
  }

  /** Opens the channel of a name or alias, or the first. @throws LibvirtError NO_SUPPORT where channels cannot be opened */
  async openChannel(name?: string, flags: { readonly force?: boolean } = {}): Promise<ConsoleStream> {
    const { streams } = this.connection.driver
    return supported(streams, 'virDomainOpenChannel').domainOpenChannel(this.#handle, name, flags)
  }
}

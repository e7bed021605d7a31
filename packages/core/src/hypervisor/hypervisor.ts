import { errorChain, formatXml, type Log, libvirtCodes, type XmlElement } from '@cloister/kit'
import {
  type Connection,
  type Domain,
  type DomainLifecycleEvent,
  type DriverCapabilities,
  LibvirtError,
} from '@cloister/libvirt'
import type { Clock } from '@cloister/os'
import type { ConnectionWatcher, HypervisorPort } from '../domains/ports/hypervisors.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { type DomainXml, domainXmlOf } from './domain-types.ts'
import type { GuestDisk } from './pc-xml.ts'

/** How a lost connection is made again. */
export interface Reconnection {
  readonly clock: Clock
  readonly log: Log
  connect(): Promise<Connection>
}

/** Time before the first attempt to connect again, and the longest time between two, ms: it is doubled after each. */
const firstWaitMs = 1000
const longestWaitMs = 60_000

/** Changes the configuration of a domain before it is handed to the hypervisor. */
export type Amendment = (vm: QubesVM, domain: XmlElement) => void

/** The connection between domains and their guests: it sends configurations, and receives events. */
export class Hypervisor implements HypervisorPort {
  readonly capabilities: DriverCapabilities
  readonly #domainXml: DomainXml
  readonly #amendments: Amendment[] = []
  readonly #listeners: ((event: DomainLifecycleEvent) => void)[] = []
  readonly #watchers: ConnectionWatcher[] = []
  readonly #reconnection: Reconnection | undefined
  readonly #closing = new AbortController()
  #connection: Connection

  private constructor(connection: Connection, capabilities: DriverCapabilities, reconnection?: Reconnection) {
    this.#connection = connection
    this.capabilities = capabilities
    this.#reconnection = reconnection
    this.#domainXml = domainXmlOf(capabilities)
    this.#keep()
  }

  /**
   * @param reconnection how the connection is made again when it is lost; without, it is not
   * @throws QubesException when the hypervisor runs a type of domains for which there is no configuration
   */
  static async open(connection: Connection, reconnection?: Reconnection): Promise<Hypervisor> {
    return new Hypervisor(connection, await connection.getCapabilities(), reconnection)
  }

  /** The connection that is open now. */
  get connection(): Connection {
    return this.#connection
  }

  watch(watcher: ConnectionWatcher): void {
    this.#watchers.push(watcher)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#connection.close()
  }

  /** Lets an extension change every configuration; it decides by domain whether it does. */
  amend(amendment: Amendment): void {
    this.#amendments.push(amendment)
  }

  /** Calls `listener` for every event of a guest, in the order of what happened, from when the promise has resolved. */
  async listen(listener: (event: DomainLifecycleEvent) => void): Promise<void> {
    this.#listeners.push(listener)
    await this.connection.on('lifecycle', listener)
  }

  /** Stores the configuration of a domain, as it is now, at the hypervisor. */
  async define(vm: QubesVM, interfaces: readonly XmlElement[] = []): Promise<Domain> {
    const tree = this.#domainXml(vm, { disks: await guestDisks(vm), interfaces }, this.capabilities)
    for (const amendment of this.#amendments) amendment(vm, tree)
    return this.connection.defineDomain(formatXml(tree))
  }

  /** Makes the hypervisor forget a halted domain, if it knows it. */
  async undefine({ uuid }: Pick<QubesVM, 'uuid'>): Promise<void> {
    try {
      const domain = await this.connection.lookupDomainByUUID(uuid)
      await domain.undefine()
    } catch (error) {
      if (!(error instanceof LibvirtError && error.code === libvirtCodes.noDomain)) throw error
    }
  }

  /** Waits for the loss of the connection, which in process never comes. */
  #keep(): void {
    void this.#connection.closed.then(async (error) => {
      if (this.#closing.signal.aborted) return
      for (const watcher of this.#watchers) watcher.lost(error)
      if (this.#reconnection) await this.#reconnect(this.#reconnection)
    })
  }

  /** Tries to connect again, less and less often, until it succeeds or the hypervisor is closed. */
  async #reconnect({ clock, log, connect }: Reconnection): Promise<void> {
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
      try {
        await clock.sleep(waitMs, this.#closing.signal)
        await this.#resume(await connect())
        return this.#keep()
      } catch (error) {
        if (this.#closing.signal.aborted) return
        log.warn('connecting to the hypervisor again failed: it is tried again', { error: errorChain(error) })
      }
    }
  }

  /** Takes a new connection into use, or closes the connection when that fails. */
  async #resume(connection: Connection): Promise<void> {
    try {
      for (const listener of this.#listeners) await connection.on('lifecycle', listener)
      this.#connection = connection
      for (const watcher of this.#watchers) await watcher.back()
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  /** Guests that run now. */
  running(): Promise<Domain[]> {
    return this.connection.listAllDomains({ active: true })
  }
}

async function guestDisks(vm: QubesVM): Promise<GuestDisk[]> {
  const disks = await Promise.all(
    vm.storage
      .list()
      .map(async (volume, position) => ({ role: volume.name, position, device: await volume.blockDevice() })),
  )
  return disks.filter((disk): disk is GuestDisk => disk.device !== undefined)
}

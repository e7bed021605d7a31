import { formatXml, libvirtCodes, type XmlElement } from '@cloister/kit'
import {
  type Connection,
  type Domain,
  type DomainLifecycleEvent,
  type DriverCapabilities,
  LibvirtError,
} from '@cloister/libvirt'
import type { HypervisorPort } from '../domains/ports/hypervisors.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { type DomainXml, domainXmlOf } from './domain-types.ts'
import type { GuestDisk } from './pc-xml.ts'

/** Changes the configuration of a domain before it is handed to the hypervisor. */
export type Amendment = (vm: QubesVM, domain: XmlElement) => void

/** The connection between domains and their guests: it sends configurations, and receives events. */
export class Hypervisor implements HypervisorPort {
  readonly connection: Connection
  readonly capabilities: DriverCapabilities
  /** Resolves with the reason when the connection is lost; never when the hypervisor runs in this process. */
  readonly closed: Promise<Error>
  readonly #domainXml: DomainXml
  readonly #amendments: Amendment[] = []

  private constructor(connection: Connection, capabilities: DriverCapabilities) {
    this.connection = connection
    this.capabilities = capabilities
    this.closed = connection.closed
    this.#domainXml = domainXmlOf(capabilities)
  }

  /** @throws QubesException when the hypervisor runs a type of domains for which there is no configuration */
  static async open(connection: Connection): Promise<Hypervisor> {
    return new Hypervisor(connection, await connection.getCapabilities())
  }

  /** Lets an extension change every configuration; it decides by domain whether it does. */
  amend(amendment: Amendment): void {
    this.#amendments.push(amendment)
  }

  /** Calls `listener` for every event of a guest, in the order of what happened, from when the promise has resolved. */
  async listen(listener: (event: DomainLifecycleEvent) => void): Promise<void> {
    await this.connection.on('lifecycle', listener)
  }

  /** Stores the configuration of a domain, as it is now, at the hypervisor. */
  async define(vm: QubesVM): Promise<Domain> {
    const tree = this.#domainXml(vm, await guestDisks(vm), this.capabilities)
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

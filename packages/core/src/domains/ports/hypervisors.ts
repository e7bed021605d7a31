import type { XmlElement } from '@cloister/kit'
import type { Domain, DomainLifecycleEvent, DriverCapabilities } from '@cloister/libvirt'
import type { QubesVM } from '../qubes-vm.ts'

/** Is told when the connection to a hypervisor is lost and when it was made again; guests keep running meanwhile. */
export interface ConnectionWatcher {
  lost(error: Error): void
  back(): Promise<void>
}

/** A connection to a hypervisor, as domains need it. */
export interface HypervisorPort {
  readonly capabilities: DriverCapabilities
  /** Stores the configuration of a domain, as it is now, with these network interfaces, at the hypervisor. */
  define(vm: QubesVM, interfaces?: readonly XmlElement[]): Promise<Domain>
  /** Makes the hypervisor forget a halted domain, if it knows the domain. */
  undefine(vm: Pick<QubesVM, 'uuid'>): Promise<void>
  /** Guests that run now. */
  running(): Promise<Domain[]>
  /** Calls `listener` for every notice of a guest, in the order of what happened. */
  listen(listener: (event: DomainLifecycleEvent) => void): Promise<void>
  watch(watcher: ConnectionWatcher): void
}

/** The hypervisors of the system; there is one so far. */
export interface Hypervisors {
  /** The hypervisor that runs the guests of a domain. */
  of(vm: Pick<QubesVM, 'name'>): HypervisorPort
  all(): readonly HypervisorPort[]
}

import type { Domain, DomainLifecycleEvent, DriverCapabilities } from '@cloister/libvirt'
import type { QubesVM } from '../qubes-vm.ts'

/** A connection to a hypervisor, as domains need it. */
export interface HypervisorPort {
  readonly capabilities: DriverCapabilities
  /** Resolves with the reason when the connection is lost; never when the hypervisor runs in this process. */
  readonly closed: Promise<Error>
  /** Stores the configuration of a domain, as it is now, at the hypervisor. */
  define(vm: QubesVM): Promise<Domain>
  /** Makes the hypervisor forget a halted domain, if it knows the domain. */
  undefine(vm: Pick<QubesVM, 'uuid'>): Promise<void>
  /** Guests that run now. */
  running(): Promise<Domain[]>
  /** Calls `listener` for every notice of a guest, in the order of what happened. */
  listen(listener: (event: DomainLifecycleEvent) => void): Promise<void>
}

/** The hypervisors of the system; there is one so far. */
export interface Hypervisors {
  /** The hypervisor that runs the guests of a domain. */
  of(vm: Pick<QubesVM, 'name'>): HypervisorPort
  all(): readonly HypervisorPort[]
}

import type { QubesVM } from '../domains/qubes-vm.ts'

/**
 * Connects a running guest with the domain that gives it network: interfaces, addresses, routes. `NetworkLinks` says when; as
 * long as a system has no back end, guests have no interfaces, and only properties, features and events change.
 */
export interface NetworkBackend {
  /** Gives a running guest an interface that leads to `provider`, which runs. */
  attach(vm: QubesVM, provider: QubesVM): Promise<void>
  /** Takes that interface away. */
  detach(vm: QubesVM, provider: QubesVM): Promise<void>
}

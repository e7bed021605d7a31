import type { QubesVM } from '../domains/qubes-vm.ts'

/**
 * Connects a running guest with its netvm: interfaces, addresses, routes. `NetworkLinks` calls it. In a system without a back
 * end guests have no interfaces; only properties, features and events change.
 */
export interface NetworkBackend {
  /** Gives a running guest an interface that leads to `provider`, which runs. */
  attach(vm: QubesVM, provider: QubesVM): Promise<void>
  /** Takes that interface away. */
  detach(vm: QubesVM, provider: QubesVM): Promise<void>
}

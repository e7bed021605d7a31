import type { Events } from '../domains/domain-events.ts'
import { maxmem } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'

/** Balancing begins when there is a guest to balance; it ends by itself. */
export function registerMemoryHandlers(events: Events): void {
  for (const name of ['domain-unpaused', 'domain-resumed'] as const)
    events.onLife(QubesVM, name, (vm) => vm.app.memory.watch())
  for (const name of ['property-set', 'property-reset'] as const)
    events.on(QubesVM, name, (vm) => vm.app.memory.watch(), maxmem.name)
}

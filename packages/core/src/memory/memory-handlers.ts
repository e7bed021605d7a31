import { QubesVM } from '../domains/qubes-vm.ts'
import { maxmem } from '../domains/qubes-vm-properties.ts'
import type { EventBus } from '../events/event-bus.ts'

/** Starts balancing when there is a guest to balance; balancing ends by itself. */
export function registerMemoryHandlers(events: EventBus): void {
  for (const name of ['domain-unpaused', 'domain-resumed'] as const)
    events.onLife(QubesVM, name, (vm) => vm.app.memory.watch())
  for (const name of ['property-set', 'property-reset'] as const)
    events.on(QubesVM, name, (vm) => vm.app.memory.watch(), maxmem.name)
}

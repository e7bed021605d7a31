import type { EventBus } from '../changes/event-bus.ts'
import { BaseVM } from '../domains/base-vm.ts'
import { netvm } from '../domains/properties/net-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'

/** When connections of guests follow their netvm (reference: storage-and-lifecycle, B.3.2, B.4.4, B.7.2). */
export function registerNetworkHandlers(events: EventBus): void {
  for (const change of ['property-set', 'property-reset'] as const) {
    events.on(
      QubesVM,
      change,
      (vm, { oldvalue }, unit) => vm.app.links.follow(unit, vm, oldvalue instanceof BaseVM ? oldvalue : undefined),
      netvm.name,
    )
  }
  for (const step of ['domain-unpaused', 'domain-resumed'] as const)
    events.onLife(QubesVM, step, (vm) => vm.app.links.settleDeferred(vm))
  // What an earlier run has left, when its end was not seen.
  events.onLife(QubesVM, 'domain-pre-spawn', (vm) => vm.app.links.forget(vm))
  events.onLife(QubesVM, 'domain-start', async (vm) => {
    await vm.app.links.settleDeferred(vm)
    await vm.app.links.attachClients(vm)
  })
  events.onLife(QubesVM, 'domain-shutdown', async (vm) => {
    await vm.app.links.detachClients(vm)
    await vm.app.links.forget(vm)
  })
}

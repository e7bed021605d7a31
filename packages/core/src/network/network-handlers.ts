import { BaseVM } from '../domains/base-vm.ts'
import type { Events } from '../domains/domain-events.ts'
import { netvm } from '../domains/properties/net-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { NetworkLinks } from './network-links.ts'

/** When connections of guests follow their netvm (reference: storage-and-lifecycle, B.3.2, B.4.4, B.7.2). */
export function registerNetworkHandlers(events: Events, links: NetworkLinks): void {
  // A reset that changes the netvm fires `property-set`, too.
  events.on(
    QubesVM,
    'property-set',
    (vm, { oldvalue }, unit) => links.netvmChanged(unit, vm, oldvalue instanceof BaseVM ? oldvalue : undefined),
    netvm.name,
  )
  events.on(QubesVM, 'firewall-changed', (vm, _event, unit) => {
    if (vm.run) vm.app.changes.afterwards(unit, () => vm.app.firewall.apply(vm, vm.firewall.rules()))
  })
  for (const step of ['domain-unpaused', 'domain-resumed'] as const)
    events.onLife(QubesVM, step, (vm) => links.settleDeferred(vm))
  // An earlier run has left the feature when no daemon saw its end.
  events.onLife(QubesVM, 'domain-pre-spawn', (vm) => links.forget(vm))
  events.onLife(QubesVM, 'domain-start', async (vm) => {
    await links.settleDeferred(vm)
    await links.attachClients(vm)
  })
  events.onLife(QubesVM, 'domain-shutdown', async (vm) => {
    await links.detachClients(vm)
    await links.forget(vm)
  })
}

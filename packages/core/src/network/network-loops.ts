import { leadsTo } from '../domains/network/network-graph.ts'
import { netvm } from '../domains/properties/net-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'

/** Cuts every loop that stored netvms make, which no change can make (reference: storage-and-lifecycle, B.7.1). */
export async function breakNetworkLoops(app: System): Promise<void> {
  for (const vm of app.domains) {
    const provider = vm instanceof QubesVM ? vm.netvm : undefined
    if (!provider || !leadsTo(provider, vm)) continue
    app.log.error('a loop of netvms is broken: the domain has no netvm any more', {
      domain: vm.name,
      netvm: provider.name,
    })
    await app.changes.make((unit) => vm.assign(unit, netvm, null))
  }
}

import type { BaseVM } from '../domains/base-vm.ts'
import { refuseRemovalByUser, refuseRemovalWhileUsed, removeDomain } from '../operations/remove-domain.ts'
import type { Preloads } from './preloads.ts'

/**
 * Removes a halted domain that no other domain uses, for a user (reference: admin-api, 3.2; storage-and-lifecycle, B.5).
 * Preloaded disposables that use the domain do not prevent its removal: they are removed first.
 */
export async function removeDomainSafely(vm: BaseVM, preloads: Preloads): Promise<void> {
  refuseRemovalByUser(vm)
  await vm.phase.settle(vm.app.os.clock, 'remove')
  // Checked before, so that no preloaded disposable is removed for a removal that is refused.
  const waiting = preloads.referringTo(vm)
  if (waiting.length > 0) refuseRemovalWhileUsed(vm, waiting)
  await preloads.runWithoutReferrers(vm, async () => {
    await vm.phase.settle(vm.app.os.clock, 'remove')
    await removeDomain(vm)
  })
}

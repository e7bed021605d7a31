import type { BaseVM } from '../domains/base-vm.ts'
import { refuseRemovalByUser, refuseRemovalWhileUsed, removeDomain } from '../operations/remove-domain.ts'
import type { Preloads } from './preloads.ts'

/**
 * Removes a halted domain that no other needs, on behalf of a user (reference: admin-api, 3.2; storage-and-lifecycle, B.5).
 * Disposables that were preloaded of it, or that refer to it, do not keep it from being removed: they go first.
 */
export async function removeDomainSafely(vm: BaseVM, preloads: Preloads): Promise<void> {
  refuseRemovalByUser(vm)
  await vm.phase.settle(vm.app.os.clock, 'remove')
  // Preloaded disposables are removed only when the removal of the domain then succeeds.
  const waiting = preloads.referringTo(vm)
  if (waiting.length > 0) refuseRemovalWhileUsed(vm, waiting)
  await preloads.without(vm, async () => {
    await vm.phase.settle(vm.app.os.clock, 'remove')
    await removeDomain(vm)
  })
}

import { msg, QubesVMNotHaltedError } from '@cloister/kit'
import { AppVM } from '../domains/app-vm.ts'
import type { Events } from '../domains/domain-events.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { SystemObject } from '../domains/system-object.ts'
import { refuseShutdownWhileNeeded } from '../life/power-checks.ts'
import { refuseRemovalWhileUsed } from './remove-domain.ts'

/** Registers the checks of the core before a start, a shutdown and a removal (reference: storage-and-lifecycle, B.3.2, B.4.4, B.5). */
export function registerLifeHandlers(events: Events): void {
  events.on(SystemObject, 'domain-pre-delete', (_app, { vm }) => refuseRemovalWhileUsed(vm))
  events.onLife(QubesVM, 'domain-pre-shutdown', (vm, { force }) => {
    if (!force) refuseShutdownWhileNeeded(vm)
  })
  events.onLife(AppVM, 'domain-pre-start', refuseStartUnderSnapshots)
}

/** Refuses to start a domain that would write a volume which a running disposable reads: with `revisions_to_keep` -1 they share one file. */
function refuseStartUnderSnapshots(vm: AppVM): void {
  if (![...vm.storage.stored()].some((volume) => volume.revisionsToKeep === -1)) return
  for (const child of vm.disposables()) {
    if (child.phase.name === 'halted') continue
    throw new QubesVMNotHaltedError(
      msg`${vm.name} cannot start while its disposable ${child.name} runs: a volume keeps no snapshots`,
    )
  }
}

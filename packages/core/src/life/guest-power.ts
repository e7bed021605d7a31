import { msg, QubesVMError, QubesVMNotStartedError } from '@cloister/kit'
import { within } from '@cloister/os'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { Run } from '../domains/run.ts'

/** Time limits of the life cycle, ms. */
export const waits = {
  /** For the hypervisor to carry out one request. */
  answerMs: 30_000,
  /** For handling a stop, which may copy volumes. */
  stopMs: 600_000,
  /** For the netvm of a domain to start; that netvm may start a netvm of its own first. */
  netvmMs: 600_000,
} as const

/** Ends a guest at once. @throws QubesVMNotStartedError when the guest has ended meanwhile, QubesVMError when the hypervisor fails */
export async function destroyGuest(vm: QubesVM, run: Run): Promise<void> {
  const wait = { clock: vm.app.os.clock, ms: waits.answerMs, what: `The end of the guest of ${vm.name}` }
  try {
    await within(wait, run.domain.destroy())
  } catch (cause) {
    if (run.stopReceived) throw new QubesVMNotStartedError(msg`${vm.name} is not running any more`, { cause })
    throw new QubesVMError(msg`Cannot end ${vm.name}`, { cause })
  }
}

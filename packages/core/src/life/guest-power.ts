import { msg, QubesVMError, QubesVMNotStartedError } from '@cloister/kit'
import { within } from '@cloister/os'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { Run } from '../domains/run.ts'

/** How long the life cycle waits for others, ms. */
export const waits = {
  /** For the hypervisor, to do what it was asked. */
  answerMs: 30_000,
  /** For the handling of a stop, in which volumes may have to be copied. */
  stopMs: 600_000,
  /** For the netvm of a domain, which may have to wait for a netvm of its own. */
  netvmMs: 600_000,
} as const

/** Ends a guest now. @throws QubesVMNotStartedError when the guest has ended meanwhile, QubesVMError when it cannot be ended */
export async function destroyGuest(vm: QubesVM, run: Run): Promise<void> {
  const wait = { clock: vm.app.os.clock, ms: waits.answerMs, what: `The end of the guest of ${vm.name}` }
  try {
    await within(wait, run.domain.destroy())
  } catch (cause) {
    if (run.stopReceived) throw new QubesVMNotStartedError(msg`${vm.name} is not running any more`, { cause })
    throw new QubesVMError(msg`Cannot end ${vm.name}`, { cause })
  }
}

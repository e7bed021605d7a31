import { msg, QubesException, QubesVMError, QubesVMInUseError } from '@cloister/kit'
import type { QubesVM } from '../domains/qubes-vm.ts'

/** Properties through which a running domain needs another, and the error when that one is to be shut down. */
const needs = [
  ['netvm', QubesVMInUseError],
  ['audiovm', QubesVMInUseError],
  ['guivm', QubesVMError],
] as const

/** Refuses to shut down a domain that running ones need (reference: admin-api, 6.3). */
export function refuseShutdownWhileNeeded(vm: QubesVM): void {
  for (const [name, Refusal] of needs) {
    const users = [...vm.app.domains.running()].filter(
      (other) => other !== vm && !other.isPreloaded && other.get({ name }) === vm,
    )
    if (users.length === 0) continue
    const list = users.map((user) => user.name).join(', ')
    throw new Refusal(msg`${vm.name} is the ${name} of running domains: ${list}. Shut these down first, or use force`)
  }
}

/** Refuses to start a domain that a feature keeps from it. */
export function refuseProhibitedStart(vm: QubesVM): void {
  const reason = vm.features.find('prohibit-start')
  if (reason) throw new QubesException(msg`The start of ${vm.name} is prohibited: ${reason}`)
}

/** Refuses to start a domain that is still being restored. */
export function refuseStartDuringRestore(vm: QubesVM): void {
  if (vm.tags.has('backup-restore-in-progress')) throw new QubesVMError(msg`${vm.name} is being restored from a backup`)
}

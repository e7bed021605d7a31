import { type Message, msg, QubesException, QubesVMError, QubesVMInUseError } from '@cloister/kit'
import type { BaseVM } from '../domains/base-vm.ts'
import { netvm } from '../domains/properties/net-properties.ts'
import { audiovm, guivm } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { Property } from '../properties/property.ts'

/** Properties by which a running domain uses another domain, and the error that refuses to shut the used domain down. */
const needs: readonly (readonly [Property<QubesVM, BaseVM | null>, new (text: Message) => QubesVMError])[] = [
  [netvm, QubesVMInUseError],
  [audiovm, QubesVMInUseError],
  [guivm, QubesVMError],
]

/** Refuses to shut down a domain that running domains use (reference: admin-api, 6.3). */
export function refuseShutdownWhileNeeded(vm: QubesVM): void {
  for (const [property, Refusal] of needs) {
    const users = [...vm.app.domains.running()].filter(
      (other) => other !== vm && !other.isPreloaded && other.get(property) === vm,
    )
    if (users.length === 0) continue
    const list = users.map((user) => user.name).join(', ')
    throw new Refusal(
      msg`${vm.name} is the ${property.name} of running domains: ${list}. Shut these down first, or use force`,
    )
  }
}

/** Refuses to start a domain that has the feature `prohibit-start`. */
export function refuseProhibitedStart(vm: QubesVM): void {
  const reason = vm.features.find('prohibit-start')
  if (reason) throw new QubesException(msg`The start of ${vm.name} is prohibited: ${reason}`)
}

/** Refuses to start a domain that is still being restored. */
export function refuseStartDuringRestore(vm: QubesVM): void {
  if (vm.tags.has('backup-restore-in-progress')) throw new QubesVMError(msg`${vm.name} is being restored from a backup`)
}

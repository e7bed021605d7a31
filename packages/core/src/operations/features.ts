import { msg, PermissionDenied } from '@cloister/kit'
import type { BaseVM } from '../domains/base-vm.ts'
import { reservedFeatures } from '../extensions/feature-rules.ts'
import type { Actor } from './actor.ts'

/** Sets a feature of a domain. @throws PermissionDenied for a feature that only the daemon sets */
export async function setFeature(actor: Actor, vm: BaseVM, name: string, value: string): Promise<void> {
  refuseReserved(actor, name)
  await vm.app.changes.make((unit) => vm.features.set(unit, name, value))
}

/** Removes a feature of a domain. @throws PermissionDenied for a feature that only the daemon removes */
export async function removeFeature(actor: Actor, vm: BaseVM, name: string): Promise<void> {
  refuseReserved(actor, name)
  await vm.app.changes.make((unit) => vm.features.remove(unit, name))
}

/** What the daemon notes in features is refused to everyone, the admin domain too (reference: admin-api, 7). */
function refuseReserved({ domain }: Actor, name: string): void {
  if (reservedFeatures.has(name))
    throw new PermissionDenied(
      msg`${domain.name} cannot change the feature ${name}: only the daemon sets and removes it`,
    )
}

import { msg, QubesVMInUseError } from '@cloister/kit'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { Intent } from '../changes/intents.ts'
import { AdminVM } from '../domains/admin-vm.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import { DispVM, dispid } from '../domains/disp-vm.ts'
import { installedByRpm } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'

/** Refuses to remove the admin domain, and domains that a package owns (reference: admin-api, 3.2). */
export function refuseRemovalByUser(vm: BaseVM): void {
  if (vm instanceof AdminVM) throw new QubesVMInUseError(msg`${vm.name} is the host itself and cannot be removed`)
  if (vm.get(installedByRpm))
    throw new QubesVMInUseError(msg`${vm.name} belongs to a package: remove the package, or reset installed_by_rpm`)
}

/**
 * Takes a halted domain out of the system, then its volumes off the disk (reference: storage-and-lifecycle, B.5). An intent
 * covers the time between. A disposable is removed at the end of its stop, before it is halted.
 */
export async function removeDomain(vm: BaseVM): Promise<void> {
  const { app, storage, phase } = vm
  if (phase.name !== 'stopping') phase.require('remove')
  phase.enter('removing')
  const intent = app.intents.make('remove', vm.name, { uuid: vm.uuid, volumes: storage?.places() ?? [] })
  // A new domain of that name has the same files, so the name is free only when they are gone.
  const held = app.domains.hold(vm)
  try {
    await app.changes.make((unit) => unregister(unit, vm, intent))
    phase.enter('removed')
    if (vm instanceof QubesVM) await removeRemains(vm, intent)
  } catch (error) {
    phase.enter('halted')
    throw error
  } finally {
    held.release()
  }
}

function unregister(unit: ChangeUnit, vm: BaseVM, intent: Intent): void {
  const { app } = vm
  app.events.fire(unit, app.global, 'domain-pre-delete', { vm })
  app.domains.delete(unit, vm)
  app.events.fire(unit, app.global, 'domain-delete', { vm })
  vm.unregister(unit)
  if (vm instanceof DispVM) app.disposableNumbers.release(unit, vm.get(dispid) ?? 0)
  if (!(vm instanceof QubesVM)) return
  app.runs.forget(unit, vm)
  app.intents.store(unit, intent)
}

/** Removes the volumes of a domain that is not part of the system any more, and what the hypervisor knows of it. */
async function removeRemains(vm: QubesVM, intent: Intent): Promise<void> {
  const { app } = vm
  app.events.tellAfterRemoval(vm.name, 'domain-remove-from-disk', {})
  const all = await Promise.allSettled([app.hypervisors.of(vm).undefine(vm), vm.storage.remove()])
  const failed = all.find((one) => one.status === 'rejected')
  try {
    if (failed) throw failed.reason
    await app.changes.make((unit) => app.intents.end(unit, intent))
  } catch (error) {
    app.leftovers.add(intent, error)
  }
}

/** Refuses to remove a domain that others refer to, but for those that are `ignored` (reference: admin-api, 3.2). */
export function refuseRemovalWhileUsed(vm: BaseVM, ignored: readonly BaseVM[] = []): void {
  const { app } = vm
  for (const property of app.global.propertyTable.values()) {
    if (property.type === 'vm' && app.global.get(property) === vm) {
      throw new QubesVMInUseError(msg`Domain is in use: ${vm.name} is the global ${property.name}`)
    }
  }
  for (const { holder, property } of app.references.of(vm)) {
    if (holder !== vm && !ignored.some((other) => other === holder))
      throw new QubesVMInUseError(msg`Domain is in use: ${vm.name} is the ${property} of ${holder.title}`)
  }
}

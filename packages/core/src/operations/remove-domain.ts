import { msg, QubesVMInUseError, QubesVMNotFoundError, QubesVMNotHaltedError } from '@cloister/kit'
import type { Intent } from '../changes/intents.ts'
import { AdminVM } from '../domains/admin-vm.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import { DispVM, dispid } from '../domains/disp-vm.ts'
import { installedByRpm } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { ChangeUnit } from '../properties/property.ts'

/** Removes a halted domain that nobody needs, on behalf of a user (reference: admin-api, 3.2; storage-and-lifecycle, B.5). */
export async function removeDomainSafely(vm: BaseVM): Promise<void> {
  if (vm instanceof AdminVM) throw new QubesVMInUseError(msg`${vm.name} is the host itself and cannot be removed`)
  await vm.startupLock.run(async () => {
    if (vm instanceof QubesVM) await vm.lifeCycle.settled()
    if (!vm.registered) throw new QubesVMNotFoundError(msg`No such domain: ${vm.name}`)
    if (vm.get(installedByRpm))
      throw new QubesVMInUseError(msg`${vm.name} belongs to a package: remove the package, or reset installed_by_rpm`)
    const { preloads } = vm.app
    if (preloads.referringTo(vm).length > 0) {
      // They stand in nobody's way, but are not to be removed in vain.
      refuseUnlessHalted(vm)
      refuseRemovalWhileUsed(vm, preloads.referringTo(vm))
    }
    await preloads.without(vm, () => removeDomain(vm))
  })
}

/** Takes a halted domain out of the system, then its volumes off the disk. An intent covers the time between. */
export async function removeDomain(vm: BaseVM): Promise<void> {
  const { app, storage } = vm
  refuseUnlessHalted(vm)
  const intent = app.intents.make('remove', vm.name, { uuid: vm.uuid, volumes: storage?.places() ?? [] })
  // A new domain of that name would have the same files.
  const held = app.domains.hold(vm)
  try {
    await app.change((unit) => unregister(unit, vm, intent))
    if (vm instanceof QubesVM) await removeRemains(vm, intent)
  } finally {
    held.release()
  }
}

function unregister(unit: ChangeUnit, vm: BaseVM, intent: Intent): void {
  const { app } = vm
  app.events.fire(unit, app, 'domain-pre-delete', { vm })
  app.domains.delete(unit, vm)
  app.events.fire(unit, app, 'domain-delete', { vm })
  vm.unregister(unit)
  if (vm instanceof DispVM) app.disposables.release(unit, vm.get(dispid) ?? 0)
  if (!(vm instanceof QubesVM)) return
  app.runs.forget(unit, vm)
  app.intents.store(unit, intent)
}

/** Removes what is left of a domain that is no part of the system any more; what cannot be removed now is at the next start. */
async function removeRemains(vm: QubesVM, intent: Intent): Promise<void> {
  const { app, name } = vm
  const all = await Promise.allSettled([app.hypervisor.undefine(vm), vm.storage.remove()])
  const failed = all.find((one) => one.status === 'rejected')
  try {
    if (failed) throw failed.reason
    await app.change((unit) => app.intents.end(unit, intent))
  } catch (error) {
    app.log.error('something of a removed domain is left over; the next start tries again', { domain: name, error })
  }
}

function refuseUnlessHalted(vm: BaseVM): void {
  if (vm.storage && vm.powerState !== 'Halted')
    throw new QubesVMNotHaltedError(msg`${vm.name} runs and cannot be removed: shut it down first`)
}

/** Refuses to remove a domain that others refer to, but for those that are `ignored` (reference: admin-api, 3.2). */
export function refuseRemovalWhileUsed(vm: BaseVM, ignored: readonly BaseVM[] = []): void {
  const { app } = vm
  for (const property of app.propertyTable.values()) {
    if (property.type === 'vm' && app.get(property) === vm) {
      throw new QubesVMInUseError(msg`Domain is in use: ${vm.name} is the global ${property.name}`)
    }
  }
  for (const { holder, property } of app.references.of(vm)) {
    if (holder !== vm && !ignored.some((other) => other === holder))
      throw new QubesVMInUseError(msg`Domain is in use: ${vm.name} is the ${property} of ${holder.title}`)
  }
}

import type { ChangeUnit } from '../changes/change-unit.ts'
import { adminKeyboardLayout } from '../domains/admin-vm.ts'
import { AppVM, template } from '../domains/app-vm.ts'
import { BaseVM } from '../domains/base-vm.ts'
import { DispVM } from '../domains/disp-vm.ts'
import type { ChangeEvents, Events } from '../domains/domain-events.ts'
import { clientsOf } from '../domains/network/network-graph.ts'
import { isMarkedPreloaded } from '../domains/preload-features.ts'
import { labelOfVM } from '../domains/properties/base-properties.ts'
import { clockvm } from '../domains/properties/global-properties.ts'
import { ip, ip6, netvm, netvmAfterReset, providesNetwork } from '../domains/properties/net-properties.ts'
import { guivm, keyboardLayout, layoutGivenBy } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { SystemObject } from '../domains/system-object.ts'
import { registerDefaultConsequences } from './default-consequences.ts'
import { announce, propertyChanges } from './property-announcements.ts'

type Change = ChangeEvents['property-set']
type Consequence<S> = (subject: S, change: Change, unit: ChangeUnit) => void

/**
 * What follows from a change of a property elsewhere (reference: admin-api, 4.2). Subscribers are told of what follows before
 * they are told of the cause.
 */
export function registerPropertyConsequences(events: Events): void {
  const onChange = (name: string, handler: Consequence<BaseVM>): void => {
    for (const change of propertyChanges) events.on(BaseVM, change, handler, name)
  }
  onChange(labelOfVM.name, (vm, _change, unit) => announce(unit, vm, 'icon'))
  onChange(providesNetwork.name, markAsService)
  onChange(ip.name, (vm, _change, unit) => announceAddress(vm, unit, ''))
  onChange(ip6.name, (vm, _change, unit) => announceAddress(vm, unit, '6'))
  onChange(guivm.name, announceLayout)
  onChange(keyboardLayout.name, announceLayoutToShown())
  events.on(QubesVM, 'property-pre-reset', askForNetvmReset, netvm.name)
  events.on(QubesVM, 'property-reset', tellNetvmReset, netvm.name)
  events.on(AppVM, 'property-set', (vm, _change, unit) => rebaseVolumes(vm, unit), template.name)
  events.on(DispVM, 'property-set', (vm, _change, unit) => vm.storage.rebase(unit), template.name)
  for (const change of propertyChanges) events.on(SystemObject, change, markClockvm, clockvm.name)
  registerDefaultConsequences(events)
}

const clocksync = 'service.clocksync'

/** Has the new clock domain run the service that the old one stops; in this order, so that there is always one. */
function markClockvm(system: SystemObject, { oldvalue: before }: Change, unit: ChangeUnit): void {
  const after = system.get(clockvm)
  if (before === after) return
  after?.features.set(unit, clocksync, '1')
  if (before instanceof BaseVM && before.features.find(clocksync) !== undefined) before.features.remove(unit, clocksync)
}

/** Marks a domain that gives others network as a service; a mark that the user has set stays when nothing changes. */
function markAsService(vm: BaseVM, { oldvalue }: Change, unit: ChangeUnit): void {
  const gives = vm.get(providesNetwork)
  if (gives && !oldvalue) vm.features.set(unit, 'servicevm', '1')
  if (!gives && oldvalue && vm.features.find('servicevm') !== undefined) vm.features.remove(unit, 'servicevm')
  for (const name of ['icon', 'gateway', 'gateway6']) announce(unit, vm, name)
}

/** What guests see of an address of a domain; `family` is the end of the names of the properties: empty, or `6`. */
function announceAddress(vm: BaseVM, unit: ChangeUnit, family: '' | '6'): void {
  if (vm.get(providesNetwork)) announce(unit, vm, `gateway${family}`)
  announce(unit, vm, `visible_ip${family}`)
  for (const client of clientsOf(vm)) announce(unit, client, `visible_gateway${family}`)
}

/** A domain without a keyboard layout of its own gets that of its new `guivm`. */
function announceLayout(vm: BaseVM, { oldvalue }: Change, unit: ChangeUnit): void {
  const before = layoutGivenBy(oldvalue instanceof BaseVM ? oldvalue : undefined)
  if (vm.isDefault(keyboardLayout) && vm.get(keyboardLayout) !== before) announce(unit, vm, keyboardLayout.name, before)
}

/** Tells the new keyboard layout of a domain to those whose windows it shows, directly or through others. */
function announceLayoutToShown(): Consequence<BaseVM> {
  /** Units whose change is being told: what is announced here is no cause for more. */
  const telling = new WeakSet<ChangeUnit>()
  return (vm, { oldvalue }, unit) => {
    if (telling.has(unit)) return
    telling.add(unit)
    const reached = new Set([vm])
    for (const shower of reached) {
      for (const other of vm.app.domains) {
        if (reached.has(other) || !other.isDefault(adminKeyboardLayout) || other.get(guivm) !== shower) continue
        reached.add(other)
        announce(unit, other, keyboardLayout.name, oldvalue ?? null)
      }
    }
    telling.delete(unit)
  }
}

/** A reset of `netvm` that changes it is asked for as a change, too (reference: storage-and-lifecycle, B.7.1). */
function askForNetvmReset(vm: QubesVM, { name, oldvalue }: Change, unit: ChangeUnit): void {
  const newvalue = netvmAfterReset(vm)
  if (newvalue !== oldvalue) vm.app.events.fire(unit, vm, 'property-pre-set', { name, newvalue, oldvalue }, name)
}

/** A reset of `netvm` that has changed it is told as a change, too. */
function tellNetvmReset(vm: QubesVM, { name, oldvalue }: Change, unit: ChangeUnit): void {
  const newvalue = vm.get(netvm)
  if (newvalue !== oldvalue) vm.app.events.fire(unit, vm, 'property-set', { name, newvalue, oldvalue }, name)
}

/** The volumes of an app domain, and of the disposables made of it, are based on those of its new template. */
function rebaseVolumes(vm: AppVM, unit: ChangeUnit): void {
  vm.storage.rebase(unit)
  // Preloaded disposables are removed after the change.
  for (const child of vm.disposables()) if (!isMarkedPreloaded(child)) child.storage.rebase(unit)
}

import type { ChangeUnit } from '../changes/change-unit.ts'
import { AdminVM, adminKeyboardLayout } from '../domains/admin-vm.ts'
import { AppVM, template } from '../domains/app-vm.ts'
import { BaseVM } from '../domains/base-vm.ts'
import { DispVM } from '../domains/disp-vm.ts'
import type { ChangeEvents, Events } from '../domains/domain-events.ts'
import { clientsOf } from '../domains/network/network-graph.ts'
import { isMarkedPreloaded } from '../domains/preload-features.ts'
import { labelOfVM } from '../domains/properties/base-properties.ts'
import {
  clockvm,
  defaultAudiovm,
  defaultDispvm,
  defaultGuivm,
  defaultNetvm,
} from '../domains/properties/global-properties.ts'
import { ip, netvm, providesNetwork } from '../domains/properties/net-properties.ts'
import { audiovm, defaultDispvmOfVM, guivm, keyboardLayout } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'
import { SystemObject } from '../domains/system-object.ts'
import { TemplateVM } from '../domains/template-vm.ts'
import { propertiesOfAllClasses } from '../domains/vm-classes.ts'

type Change = ChangeEvents['property-set']

/** Tells that a computed property, or a default, has another value. */
function announce(unit: ChangeUnit, vm: BaseVM, name: string, oldvalue?: unknown): void {
  vm.system.events.fire(unit, vm, 'property-reset', oldvalue === undefined ? { name } : { name, oldvalue }, name)
}

/** What follows from a change of a property elsewhere (reference: admin-api, 4.2). */
export function registerPropertyConsequences(events: Events): void {
  const onChange = (name: string, handler: (vm: BaseVM, change: Change, unit: ChangeUnit) => void): void => {
    events.on(BaseVM, 'property-set', handler, name)
    events.on(BaseVM, 'property-reset', handler, name)
  }
  onChange(labelOfVM.name, (vm, _change, unit) => announce(unit, vm, 'icon'))
  onChange(providesNetwork.name, (vm, _change, unit) => followProvidesNetwork(vm, unit))
  onChange(ip.name, (vm, _change, unit) => followAddress(vm, unit))
  for (const { name } of propertiesOfAllClasses(({ inherited }) => inherited))
    onChange(name, (vm, change, unit) => tellChildren(vm, change, unit))
  onChange(adminKeyboardLayout.name, (vm, change, unit) => tellShown(vm, change, unit))
  events.on(AppVM, 'property-set', (vm, _change, unit) => followTemplate(vm, unit), template.name)
  events.on(DispVM, 'property-set', (vm, _change, unit) => vm.storage.followTemplate(unit), template.name)
  registerGlobalConsequences(events)
}

function registerGlobalConsequences(events: Events): void {
  const onGlobal = (name: string, handler: (system: SystemObject, change: Change, unit: ChangeUnit) => void): void => {
    events.on(SystemObject, 'property-set', handler, name)
    events.on(SystemObject, 'property-reset', handler, name)
  }
  events.on(
    SystemObject,
    'property-pre-set',
    ({ app }, change, unit) => askDefaultNetvmUsers(app, change, unit),
    defaultNetvm.name,
  )
  onGlobal(defaultNetvm.name, ({ app }, { oldvalue }, unit) => {
    for (const vm of usersOfDefault(app, netvm.name)) announce(unit, vm, netvm.name, oldvalue ?? null)
  })
  onGlobal(defaultDispvm.name, ({ app }, { oldvalue }, unit) => {
    for (const vm of usersOfDefault(app, defaultDispvmOfVM.name))
      if (!(vm instanceof DispVM)) announce(unit, vm, defaultDispvmOfVM.name, oldvalue ?? null)
  })
  onGlobal(defaultGuivm.name, ({ app }, change, unit) => tellUsersOfDefault(app, guivm.name, change, unit))
  onGlobal(defaultAudiovm.name, ({ app }, change, unit) => tellUsersOfDefault(app, audiovm.name, change, unit))
  onGlobal(clockvm.name, (system, { oldvalue }, unit) => followClockvm(oldvalue, system.get(clockvm), unit))
}

/** Domains that have a property and leave it at its default. */
function* usersOfDefault(app: System, name: string): Generator<BaseVM> {
  for (const vm of app.domains) {
    if (!(vm instanceof AdminVM) && vm.propertyTable.has(name) && vm.isDefault({ name })) yield vm
  }
}

function askDefaultNetvmUsers(app: System, { newvalue }: Change, unit: ChangeUnit): void {
  for (const vm of usersOfDefault(app, netvm.name)) {
    if (vm instanceof TemplateVM) continue
    vm.phase.require('setNetvm')
    app.events.fire(unit, vm, 'property-pre-set', { name: netvm.name, newvalue, oldvalue: vm.get(netvm) }, netvm.name)
  }
}

function tellUsersOfDefault(app: System, name: string, { oldvalue }: Change, unit: ChangeUnit): void {
  for (const vm of usersOfDefault(app, name)) {
    app.events.fire(
      unit,
      vm,
      'property-set',
      { name, newvalue: vm.get(vm.property(name)), oldvalue: oldvalue ?? null },
      name,
    )
  }
}

const clocksync = 'service.clocksync'

function followClockvm(before: unknown, after: BaseVM | null | undefined, unit: ChangeUnit): void {
  if (before === after) return
  if (before instanceof BaseVM && before.features.find(clocksync) !== undefined) before.features.remove(unit, clocksync)
  after?.features.set(unit, clocksync, '1')
}

function followProvidesNetwork(vm: BaseVM, unit: ChangeUnit): void {
  if (vm.get(providesNetwork)) vm.features.set(unit, 'servicevm', '1')
  else if (vm.features.find('servicevm') !== undefined) vm.features.remove(unit, 'servicevm')
  for (const name of ['icon', 'gateway', 'gateway6']) announce(unit, vm, name)
}

function followAddress(vm: BaseVM, unit: ChangeUnit): void {
  announce(unit, vm, 'visible_ip')
  for (const client of clientsOf(vm)) announce(unit, client, 'visible_gateway')
}

function tellChildren(vm: BaseVM, { name, oldvalue }: Change, unit: ChangeUnit): void {
  if (!(vm instanceof TemplateVM) || vm.get(vm.property(name)) === oldvalue) return
  for (const { holder } of vm.app.references.of(vm, 'template')) {
    if (holder instanceof QubesVM && holder.registered && holder.isDefault({ name })) announce(unit, holder, name)
  }
}

/** Domains whose windows `vm` shows have its keyboard layout, unless they have one of their own. */
function tellShown(vm: BaseVM, { oldvalue }: Change, unit: ChangeUnit): void {
  if (!(vm instanceof AdminVM)) return
  for (const other of usersOfDefault(vm.app, keyboardLayout.name)) {
    if (other.get(guivm) === vm) announce(unit, other, keyboardLayout.name, oldvalue ?? null)
  }
}

function followTemplate(vm: AppVM, unit: ChangeUnit): void {
  vm.storage.followTemplate(unit)
  // Those that were preloaded are about to be removed.
  for (const child of vm.disposables()) if (!isMarkedPreloaded(child)) child.storage.followTemplate(unit)
}

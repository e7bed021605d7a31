import type { ChangeUnit } from '../changes/change-unit.ts'
import { template } from '../domains/app-vm.ts'
import { BaseVM } from '../domains/base-vm.ts'
import { DispVM } from '../domains/disp-vm.ts'
import type { ChangeEvents, Events } from '../domains/domain-events.ts'
import { defaultNetvm } from '../domains/properties/global-properties.ts'
import { netvm } from '../domains/properties/net-properties.ts'
import { defaultDispvmOfVM } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'
import { SystemObject } from '../domains/system-object.ts'
import { propertiesOfAllClasses } from '../domains/vm-classes.ts'
import type { AnyProperty } from '../properties/property.ts'
import { announce, propertyChanges } from './property-announcements.ts'

type Change = ChangeEvents['property-set']

/**
 * Tells every domain whose value changes because a default has changed: from a global property to the domains that have their
 * default from it, from a template to its app domains, and from those to their disposables. Which property has its default
 * from where stands in its descriptor; each domain is looked at once.
 */
export function registerDefaultConsequences(events: Events): void {
  for (const [source, heirs] of grouped(({ inherits }) => inherits)) {
    for (const change of propertyChanges)
      events.on(BaseVM, change, (vm, event, unit) => tellHeirs(vm, event, heirs, unit), source)
  }
  for (const [source, heirs] of grouped(({ systemDefault }) => systemDefault)) {
    for (const change of propertyChanges)
      events.on(SystemObject, change, ({ app }, event, unit) => tellUsersOfDefault(app, event, heirs, unit), source)
  }
  events.on(
    SystemObject,
    'property-pre-set',
    ({ app }, { newvalue }, unit) => askUsersOfNetvm(app, newvalue, unit),
    defaultNetvm.name,
  )
  events.on(
    SystemObject,
    'property-pre-reset',
    (system, _change, unit) => askUsersOfNetvm(system.app, defaultNetvm.fallback(system), unit),
    defaultNetvm.name,
  )
  events.on(QubesVM, 'property-set', (vm, { oldvalue }, unit) => tellNewDefaults(vm, oldvalue, unit), template.name)
}

/** Names of properties by the name of the property that their default comes from. */
function grouped(sourceOf: (property: AnyProperty) => string | undefined): Map<string, string[]> {
  const bySource = new Map<string, string[]>()
  for (const property of propertiesOfAllClasses((candidate) => sourceOf(candidate) !== undefined)) {
    const source = sourceOf(property) ?? ''
    bySource.set(source, [...(bySource.get(source) ?? []), property.name])
  }
  return bySource
}

function tellHeirs(vm: BaseVM, { name, oldvalue }: Change, heirs: readonly string[], unit: ChangeUnit): void {
  if (oldvalue !== undefined && vm.get(vm.property(name)) === oldvalue) return
  for (const { holder } of vm.app.references.of(vm, template.name)) {
    if (!(holder instanceof QubesVM) || !holder.registered) continue
    for (const heir of heirs)
      if (holder.propertyTable.get(heir)?.inherits === name && holder.isDefault({ name: heir }))
        announce(unit, holder, heir)
  }
}

/** Domains that have their default of a property from a global one, and not from a template, with that property. */
function* usersOfDefault(app: System, source: string, heirs: readonly string[]): Generator<[BaseVM, AnyProperty]> {
  for (const vm of app.domains) {
    for (const heir of heirs) {
      const property = vm.propertyTable.get(heir)
      if (property?.systemDefault !== source || !vm.isDefault(property)) continue
      if (property.inherits === undefined || !vm.template) yield [vm, property]
    }
  }
}

/** The properties that are kept as tags are told as set, which is what the reference does. */
function tellUsersOfDefault(app: System, change: Change, heirs: readonly string[], unit: ChangeUnit): void {
  const oldvalue = change.oldvalue ?? null
  for (const [vm, property] of usersOfDefault(app, change.name, heirs)) {
    const { name, tagged } = property
    if (tagged) app.events.fire(unit, vm, 'property-set', { name, newvalue: vm.get(property), oldvalue }, name)
    else announce(unit, vm, name, oldvalue)
  }
}

/** Before another default netvm is set: whether the domains that will have it can have it now. */
function askUsersOfNetvm(app: System, newvalue: unknown, unit: ChangeUnit): void {
  const { name } = netvm
  for (const [vm] of usersOfDefault(app, defaultNetvm.name, [name])) {
    vm.phase.require('setNetvm')
    app.events.fire(unit, vm, 'property-pre-set', { name, newvalue, oldvalue: vm.get(netvm) }, name)
  }
}

/** A domain with another template has other defaults, where the two templates differ. */
function tellNewDefaults(vm: QubesVM, before: unknown, unit: ChangeUnit): void {
  const { template: after } = vm
  if (!(before instanceof BaseVM) || !after || before === after) return
  for (const property of vm.propertyTable.values()) {
    const { inherits, name } = property
    if (inherits === undefined || !vm.isDefault(property)) continue
    if (before.get({ ...property, name: inherits }) !== after.get({ ...property, name: inherits }))
      announce(unit, vm, name)
  }
  const ownDispvm = vm.property(defaultDispvmOfVM.name)
  if (vm instanceof DispVM && vm.isDefault(ownDispvm)) announce(unit, vm, ownDispvm.name)
}

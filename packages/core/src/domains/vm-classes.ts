import type { AnyProperty } from '../properties/property.ts'
import { AdminVM } from './admin-vm.ts'
import { AppVM } from './app-vm.ts'
import type { BaseVM, VMClass, VMIdentity } from './base-vm.ts'
import { DispVM } from './disp-vm.ts'
import { RemoteVM } from './remote-vm.ts'
import { StandaloneVM } from './standalone-vm.ts'
import type { System } from './system.ts'
import { TemplateVM } from './template-vm.ts'

/** Classes that domains can be made of: all but that of the host itself. */
export type CreatableClass = Exclude<VMClass, 'AdminVM'>

const classes: Readonly<Record<CreatableClass, new (app: System, identity: VMIdentity) => BaseVM>> = {
  AppVM,
  TemplateVM,
  StandaloneVM,
  DispVM,
  RemoteVM,
}

/** Makes the object of a class, for creation and for load. */
export function makeDomain(app: System, klass: CreatableClass, identity: VMIdentity): BaseVM {
  return new classes[klass](app, identity)
}

/** The properties of all classes for which `accept` holds; where classes have properties of one name, that of the first class. */
export function propertiesOfAllClasses(accept: (property: AnyProperty) => boolean): AnyProperty[] {
  const byName = new Map<string, AnyProperty>()
  for (const { prototype } of [AdminVM, ...Object.values(classes)]) {
    for (const property of (prototype as BaseVM).propertyTable.values())
      if (accept(property) && !byName.has(property.name)) byName.set(property.name, property)
  }
  return [...byName.values()]
}

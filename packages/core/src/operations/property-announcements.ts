import type { ChangeUnit } from '../changes/change-unit.ts'
import type { BaseVM } from '../domains/base-vm.ts'

/** Events by which a property gets another value. */
export const propertyChanges = ['property-set', 'property-reset'] as const

/** Tells subscribers that a computed property, or a default, has another value. */
export function announce(unit: ChangeUnit, vm: BaseVM, name: string, oldvalue?: unknown): void {
  vm.system.events.fire(unit, vm, 'property-reset', oldvalue === undefined ? { name } : { name, oldvalue }, name)
}

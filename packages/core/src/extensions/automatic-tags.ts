import type { ChangeUnit } from '../changes/change-unit.ts'
import { BaseVM } from '../domains/base-vm.ts'
import type { Events } from '../domains/domain-events.ts'
import { propertiesOfAllClasses } from '../domains/vm-classes.ts'

/** The tags that a domain has because of its properties: `<property>-<domain>` (reference: admin-api, 8). */
export function automaticTags(vm: BaseVM): string[] {
  return [...vm.propertyTable.values()]
    .filter(({ tagged }) => tagged)
    .flatMap((property) => tagFor(property.name, vm.get(property)))
}

function tagFor(property: string, value: unknown): string[] {
  return value instanceof BaseVM ? [`${property}-${value.name}`] : []
}

/** Changes the automatic tags of a domain whenever one of its properties changes. */
export function keepAutomaticTags(events: Events): void {
  for (const { name } of propertiesOfAllClasses(({ tagged }) => tagged)) {
    const retag = (vm: BaseVM, { oldvalue }: { readonly oldvalue?: unknown }, unit: ChangeUnit): void => {
      for (const tag of tagFor(name, oldvalue)) vm.tags.discard(unit, tag)
      for (const tag of tagFor(name, vm.get(vm.property(name)))) vm.tags.add(unit, tag)
    }
    events.on(BaseVM, 'property-set', retag, name)
    events.on(BaseVM, 'property-reset', retag, name)
  }
}

import type { EventBus } from '../changes/event-bus.ts'
import { BaseVM } from '../domains/base-vm.ts'
import { audiovm, guivm } from '../domains/properties/qubes-vm-properties.ts'
import { relayvm } from '../domains/remote-vm.ts'
import type { Property } from '../properties/property.ts'

/** Properties whose value, also by default, is kept as a tag `<property>-<domain>` (reference: admin-api, 8). */
const tagged: readonly Pick<Property<unknown, BaseVM | null>, 'name'>[] = [guivm, audiovm, relayvm]

/** The tags that a domain has because of its properties. */
export function automaticTags(vm: BaseVM): string[] {
  return tagged.flatMap(({ name }) => tagFor(name, vm.get<BaseVM | null>({ name })))
}

function tagFor(property: string, value: BaseVM | null | undefined): string[] {
  return value ? [`${property}-${value.name}`] : []
}

/** Keeps the tags in step with the properties. */
export function keepAutomaticTags(events: EventBus): void {
  for (const { name } of tagged) {
    const follow = (
      vm: BaseVM,
      { oldvalue }: { readonly oldvalue?: unknown },
      unit: Parameters<Parameters<EventBus['on']>[2]>[2],
    ): void => {
      if (oldvalue instanceof BaseVM) vm.tags.discard(unit, `${name}-${oldvalue.name}`)
      for (const tag of tagFor(name, vm.get<BaseVM | null>({ name }))) vm.tags.add(unit, tag)
    }
    events.on(BaseVM, 'property-set', follow, name)
    events.on(BaseVM, 'property-reset', follow, name)
  }
}

import { formatFirewallRule } from '@cloister/admin-protocol'
import type { App } from '../app.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import type { PropertyHolder } from '../properties/property-holder.ts'
import { volumeRecord } from '../storage/volume-record.ts'

/** The objects of the daemon and the stored rows, as plain values that can be compared. */
export function portrait(app: App): unknown {
  return {
    labels: app.labels.list(),
    pools: app.pools.list().map((pool) => pool.config()),
    properties: propertiesOf(app.global),
    domains: app.domains.sorted().map(domainPortrait),
  }
}

const propertiesOf = (holder: PropertyHolder): unknown => Object.fromEntries([...holder.explicitTexts()].sort())

function domainPortrait(vm: BaseVM): unknown {
  return {
    klass: vm.klass,
    registered: vm.registered,
    properties: propertiesOf(vm),
    features: vm.features.names().map((name) => [name, vm.features.find(name)]),
    tags: vm.tags.list(),
    notes: vm.notes,
    firewall: vm.firewall.own?.map(formatFirewallRule),
    volumes: Object.fromEntries([...(vm.storage?.stored() ?? [])].map((volume) => [volume.name, volumeRecord(volume)])),
  }
}

/** The references in the index. */
export function indexed(app: App): string[] {
  const targets = [...app.domains.sorted(), ...app.labels.list()]
  return targets
    .flatMap((target) =>
      [...app.references.of(target)].map(({ holder, property }) => `${holder.title}.${property} ${target.name}`),
    )
    .sort()
}

/** The references that the explicitly set properties make. */
export function namedObjects(app: App): string[] {
  const holders: PropertyHolder[] = [app.global, ...app.domains.sorted()]
  return holders
    .flatMap((holder) =>
      [...holder.explicitProperties()].flatMap(([{ name }, value]) =>
        typeof value === 'object' && value !== null && 'name' in value ? [`${holder.title}.${name} ${value.name}`] : [],
      ),
    )
    .sort()
}

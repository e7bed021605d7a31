import { type AnyProperty, type Property, type PropertyTable, propertyTable } from '../properties/property.ts'
import { boolProperty, strProperty } from '../properties/property-kinds.ts'
import { BaseVM } from './base-vm.ts'
import type { PowerState } from './power-state.ts'
import { baseProperties } from './properties/base-properties.ts'
import { vmProperty } from './properties/object-kinds.ts'

/** Local domain that carries calls to a remote one. */
export const relayvm: Property<RemoteVM, BaseVM | null> = vmProperty({
  name: 'relayvm',
  local: true,
  tagged: true,
  stage: 4,
  help: 'Local domain through which the remote one is reached.',
  fallback: () => null,
})

/** Service of the relay that carries calls to the remote domain. */
export const transportRpc: Property<RemoteVM, string | null> = strProperty({
  name: 'transport_rpc',
  help: 'Service of the relay that carries calls.',
  fallback: () => null,
})

const remoteProperties: readonly AnyProperty[] = [
  relayvm,
  transportRpc,
  strProperty<RemoteVM>({ name: 'remote_name', help: 'Name of the domain on its own host.', fallback: () => null }),
  boolProperty<RemoteVM>({
    name: 'include_in_backups',
    help: 'Whether a backup without a list of domains contains the domain.',
    fallback: () => false,
  }),
]

const table: PropertyTable = propertyTable(baseProperties, remoteProperties)

/** A domain on another host, reached through a relay: it has no volumes, no power control, and is always shown as running. */
export class RemoteVM extends BaseVM {
  override readonly klass = 'RemoteVM'
  protected override readonly iconPrefix = 'remotevm'

  get propertyTable(): PropertyTable {
    return table
  }

  get powerState(): PowerState {
    return 'Running'
  }
}

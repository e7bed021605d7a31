import type { ChangeUnit } from '../changes/change-unit.ts'
import type { CoreEvent } from '../changes/core-event.ts'
import type { Property, PropertyTable } from '../properties/property.ts'
import { PropertyHolder } from '../properties/property-holder.ts'
import * as properties from './properties/global-properties.ts'
import type { System, SystemDefaults } from './system.ts'

/** The system as an object: it holds the global properties, and events of the system as a whole are fired on it. */
export class SystemObject extends PropertyHolder {
  readonly app: System

  constructor(app: System) {
    super()
    this.app = app
  }

  get system(): System {
    return this.app
  }

  get propertyTable(): PropertyTable {
    return properties.globalProperties
  }

  get title(): string {
    return 'the system'
  }

  get eventSubject(): Pick<CoreEvent, 'domain'> {
    return { domain: undefined }
  }

  /** Global properties that name a pool, with the pool that each names now. */
  *poolProperties(): Generator<readonly [property: string, pool: string | null]> {
    for (const property of [properties.defaultPool, ...properties.defaultPools.values()])
      yield [property.name, this.get(property) ?? null]
  }

  /** Name of the pool for new volumes of that name, such as `root` or `kernel`. */
  defaultPoolOf(volume: string): string | null {
    const property: Property<SystemObject, string | null> =
      properties.defaultPools.get(volume) ?? properties.defaultPool
    return this.get(property) ?? null
  }

  protected override storeProperty(unit: ChangeUnit, name: string, text: string | null | undefined): void {
    if (text === undefined) unit.delete('global_properties', [name])
    else unit.put('global_properties', [name], [text])
  }
}

/** Reads each default from the global property that holds it, whenever it is asked for. */
export function systemDefaults(global: SystemObject): SystemDefaults {
  return {
    get template() {
      return global.get(properties.defaultTemplate) ?? null
    },
    get netvm() {
      return global.get(properties.defaultNetvm) ?? null
    },
    get dispvm() {
      return global.get(properties.defaultDispvm) ?? null
    },
    get managementDispvm() {
      return global.get(properties.managementDispvm) ?? null
    },
    get guivm() {
      return global.get(properties.defaultGuivm) ?? null
    },
    get audiovm() {
      return global.get(properties.defaultAudiovm) ?? null
    },
    get kernel() {
      return global.get(properties.defaultKernel) ?? null
    },
    get qrexecTimeout() {
      return global.get(properties.defaultQrexecTimeout) ?? 0
    },
    get shutdownTimeout() {
      return global.get(properties.defaultShutdownTimeout) ?? 0
    },
  }
}

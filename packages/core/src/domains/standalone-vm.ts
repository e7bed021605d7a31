import { type PropertyTable, propertyTable } from '../properties/property.ts'
import { ownedVolumes, type VolumeKind } from '../storage/volume-kinds.ts'
import { baseProperties } from './properties/base-properties.ts'
import { templateForDispvms } from './properties/dvm-template.ts'
import { netProperties } from './properties/net-properties.ts'
import { qubesVMProperties } from './properties/qubes-vm-properties.ts'
import { QubesVM } from './qubes-vm.ts'

const table: PropertyTable = propertyTable(baseProperties, qubesVMProperties, netProperties, [templateForDispvms])

/** A domain with root and private volumes of its own, and without a template. */
export class StandaloneVM extends QubesVM {
  override readonly klass = 'StandaloneVM'
  protected override readonly iconPrefix = 'standalonevm'
  override readonly volumeKinds: readonly VolumeKind[] = ownedVolumes

  get propertyTable(): PropertyTable {
    return table
  }
}

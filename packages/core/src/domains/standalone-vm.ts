import { type PropertyTable, propertyTable } from '../properties/property.ts'
import { baseProperties } from './base-properties.ts'
import { templateForDispvms } from './dvm-template.ts'
import { netProperties } from './net-vm.ts'
import { QubesVM } from './qubes-vm.ts'
import { qubesVMProperties } from './qubes-vm-properties.ts'
import { ownedVolumes, type VolumeKind } from './volume-kinds.ts'

const table: PropertyTable = propertyTable(baseProperties, qubesVMProperties, netProperties, [templateForDispvms])

/** A domain with a root of its own, based on nothing. */
export class StandaloneVM extends QubesVM {
  override readonly klass = 'StandaloneVM'
  protected override readonly iconPrefix = 'standalonevm'
  override readonly volumeKinds: readonly VolumeKind[] = ownedVolumes

  get propertyTable(): PropertyTable {
    return table
  }
}

import { type AnyProperty, type PropertyTable, propertyTable } from '../properties/property.ts'
import { ownedVolumes, type VolumeKind } from '../storage/volume-kinds.ts'
import { baseProperties } from './properties/base-properties.ts'
import { appvmDefaultBootmode } from './properties/kernel-properties.ts'
import { netProperties, netvmOfTemplate } from './properties/net-properties.ts'
import { qubesVMProperties } from './properties/qubes-vm-properties.ts'
import { QubesVM } from './qubes-vm.ts'

const templateProperties: readonly AnyProperty[] = [netvmOfTemplate, appvmDefaultBootmode]

const table: PropertyTable = propertyTable(baseProperties, qubesVMProperties, netProperties, templateProperties)

/** A domain whose root volume is the one that app domains start from. */
export class TemplateVM extends QubesVM {
  override readonly klass = 'TemplateVM'
  protected override readonly iconPrefix = 'templatevm'
  override readonly folder = 'vm-templates'
  override readonly volumeKinds: readonly VolumeKind[] = ownedVolumes

  get propertyTable(): PropertyTable {
    return table
  }

  override get icon(): string {
    return `${this.iconPrefix}-${this.label.name}`
  }
}

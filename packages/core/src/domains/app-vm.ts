import { msg, QubesPropertyValueError, QubesValueError, QubesVMNotHaltedError } from '@cloister/kit'
import { type Property, type PropertyTable, propertyTable } from '../properties/property.ts'
import { appVolumes, type VolumeKind } from '../storage/volume-kinds.ts'
import type { BaseVM } from './base-vm.ts'
import { baseProperties } from './properties/base-properties.ts'
import { isDisposableTemplate, templateForDispvms } from './properties/dvm-template.ts'
import { netProperties } from './properties/net-properties.ts'
import { vmProperty } from './properties/object-kinds.ts'
import { qubesVMProperties } from './properties/qubes-vm-properties.ts'
import { QubesVM } from './qubes-vm.ts'
import { TemplateVM } from './template-vm.ts'

/** Template whose root volume the domain starts from. */
export const template: Property<AppVM, BaseVM | null> = vmProperty({
  name: 'template',
  perInstance: true,
  stage: 4,
  required: true,
  help: 'Template whose root volume the domain starts from.',
  verify: (vm: AppVM) => vm.phase.settle(vm.app.os.clock, 'setTemplate'),
  check: (vm, value) => {
    if (!(value instanceof TemplateVM))
      throw new QubesPropertyValueError(msg`The template of ${vm.name} must be a TemplateVM`)
    vm.phase.require('setTemplate')
    for (const child of vm.disposables()) {
      if (child.phase.allows('setTemplate') || child.isPreloaded) continue
      throw new QubesVMNotHaltedError(
        msg`The template of ${vm.name} cannot be changed while its disposable ${child.name} runs`,
      )
    }
  },
  checkReset: (vm) => {
    const standard = vm.app.defaults.template
    const hint = standard ? `: set it to the default, ${standard.name}, instead` : ''
    throw new QubesValueError(msg`The template of ${vm.name} cannot be unset${hint}`)
  },
})

const table: PropertyTable = propertyTable(baseProperties, qubesVMProperties, netProperties, [
  template,
  templateForDispvms,
])

/** A domain that starts from the root volume of its template and has a private volume of its own. */
export class AppVM extends QubesVM {
  override readonly klass = 'AppVM'
  protected override readonly iconPrefix = 'appvm'
  override readonly volumeKinds: readonly VolumeKind[] = appVolumes

  get propertyTable(): PropertyTable {
    return table
  }

  override get template(): BaseVM | undefined {
    return this.get(template) ?? undefined
  }

  override get icon(): string {
    return isDisposableTemplate(this) && !this.features.enabled('servicevm')
      ? `templatevm-${this.label.name}`
      : super.icon
  }

  /** Disposables whose template is this domain. */
  *disposables(): Generator<QubesVM> {
    for (const { holder } of this.app.references.of(this, 'template')) if (holder instanceof QubesVM) yield holder
  }
}

import { msg, QubesException, QubesPropertyValueError } from '@cloister/kit'
import { type AnyProperty, type Property, type PropertyTable, propertyTable } from '../properties/property.ts'
import { boolProperty, intProperty } from '../properties/property-kinds.ts'
import { disposableVolumes, type VolumeKind } from '../storage/volume-kinds.ts'
import type { BaseVM } from './base-vm.ts'
import type { AddressNumber } from './network/addresses.ts'
import { preloadNames } from './preload-features.ts'
import { baseProperties } from './properties/base-properties.ts'
import { isDisposableTemplate } from './properties/dvm-template.ts'
import { netProperties } from './properties/net-properties.ts'
import { vmProperty } from './properties/object-kinds.ts'
import { defaultDispvmOfVM, includeInBackups, qubesVMProperties } from './properties/qubes-vm-properties.ts'
import { QubesVM } from './qubes-vm.ts'

/** Domain whose volumes the disposable starts from. */
export const templateOfDisposable: Property<DispVM, BaseVM | null> = vmProperty({
  name: 'template',
  perInstance: true,
  stage: 4,
  required: true,
  clone: false,
  help: 'Domain whose volumes the disposable starts from.',
  verify: (vm: DispVM) => vm.phase.settle(vm.app.os.clock, 'setTemplate'),
  check: (vm, value) => {
    if (!value || !isDisposableTemplate(value)) {
      throw new QubesPropertyValueError(msg`The template of ${vm.name} must have template_for_dispvms`)
    }
    vm.phase.require('setTemplate')
  },
})

/** Number that the name and the addresses of a disposable are made from. */
export const dispid: Property<DispVM, number | null> = intProperty({
  name: 'dispid',
  perInstance: true,
  help: 'Number of the disposable, fixed at its creation.',
  writable: 'once',
  clone: false,
})

/** Whether the domain is removed when it stops. */
export const autoCleanup: Property<DispVM, boolean> = boolProperty({
  name: 'auto_cleanup',
  help: 'Whether the domain is removed when it stops.',
  fallback: () => false,
})

const disposableProperties: readonly AnyProperty[] = [
  templateOfDisposable,
  dispid,
  autoCleanup,
  boolProperty<DispVM>({
    name: 'is_preload',
    help: 'Whether the disposable was started in advance and waits to be used.',
    writable: 'never',
    fallback: (vm) => vm.isPreloaded,
  }),
  {
    ...defaultDispvmOfVM,
    systemDefault: undefined,
    fallback: (vm) => (vm instanceof DispVM ? (vm.template ?? null) : null),
  },
  { ...includeInBackups, fallback: (vm) => vm instanceof DispVM && !vm.get(autoCleanup) },
]

const table: PropertyTable = propertyTable(baseProperties, qubesVMProperties, netProperties, disposableProperties)

/** A domain that keeps no data: its root and private volumes are snapshots of those of its template, made at each start. */
export class DispVM extends QubesVM {
  override readonly klass = 'DispVM'
  protected override readonly iconPrefix = 'dispvm'
  override readonly volumeKinds: readonly VolumeKind[] = disposableVolumes

  get propertyTable(): PropertyTable {
    return table
  }

  override get template(): BaseVM | undefined {
    return this.get(templateOfDisposable) ?? undefined
  }

  override get addressNumber(): AddressNumber {
    return { range: 'disposable', number: this.get(dispid) ?? 0 }
  }

  /** Also frees the number, which no client has been told. */
  override discard(): void {
    super.discard()
    const number = this.get(dispid)
    if (number) this.app.disposableNumbers.giveBack(number)
  }

  override checkStartable(): void {
    const { template } = this
    if (!template || !isDisposableTemplate(template)) {
      throw new QubesException(
        msg`${this.name} cannot start: its template ${template?.name ?? ''} has no template_for_dispvms any more`,
      )
    }
  }

  override get hasVolumesLikeTemplate(): boolean {
    return true
  }

  override get isPreloaded(): boolean {
    return !!this.template && preloadNames(this.template).includes(this.name)
  }
}

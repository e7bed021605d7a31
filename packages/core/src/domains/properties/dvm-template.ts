import { msg, QubesPropertyValueError, QubesVMInUseError } from '@cloister/kit'
import type { Property } from '../../properties/property.ts'
import { boolProperty } from '../../properties/property-kinds.ts'
import { BaseVM } from '../base-vm.ts'

/** Properties that can name a disposable template. */
const usesAsTemplate = ['default_dispvm', 'management_dispvm', 'template'] as const

/** Mixin of AppVM and StandaloneVM: disposables can be made from the domain. */
export const templateForDispvms: Property<BaseVM, boolean> = boolProperty({
  name: 'template_for_dispvms',
  perInstance: true,
  help: 'Whether disposables can be made from the domain.',
  fallback: () => false,
  check: (vm, value) => {
    if (!value) refuseWhileUsed(vm)
  },
  checkReset: refuseWhileUsed,
})

function refuseWhileUsed(vm: BaseVM): void {
  for (const property of usesAsTemplate) {
    for (const { holder } of vm.app.references.of(vm, property)) {
      if (holder instanceof BaseVM && holder.isPreloaded) continue
      throw new QubesVMInUseError(msg`${vm.name} is the ${property} of ${holder.title}: change that first`)
    }
  }
}

/** True for a domain that disposables can be made from. */
export function isDisposableTemplate(vm: BaseVM): boolean {
  return vm.get(templateForDispvms) === true
}

/** A check for properties that name a disposable template, or none. */
export function checkDisposableTemplate(name: string): (owner: unknown, value: BaseVM | null) => void {
  return (_owner, value) => {
    if (value && !isDisposableTemplate(value)) {
      throw new QubesPropertyValueError(msg`${name} must have template_for_dispvms, which ${value.name} has not`)
    }
  }
}

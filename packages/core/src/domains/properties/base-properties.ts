import type { AnyProperty, Property } from '../../properties/property.ts'
import { intProperty, strProperty } from '../../properties/property-kinds.ts'
import type { BaseVM } from '../base-vm.ts'
import type { Label } from '../labels.ts'
import { labelProperty } from './object-kinds.ts'

// Properties of every domain (reference: admin-api, 5.2).

export const labelOfVM: Property<BaseVM, Label> = labelProperty({
  name: 'label',
  required: true,
  help: 'Colour that shows how far the domain is trusted.',
})

export const baseProperties: readonly AnyProperty[] = [
  labelOfVM,
  strProperty<BaseVM>({
    name: 'name',
    perInstance: true,
    help: 'Name of the domain, fixed at its creation.',
    writable: 'once',
    clone: false,
  }),
  intProperty<BaseVM>({
    name: 'qid',
    perInstance: true,
    help: 'Number of the domain on this host, fixed at its creation.',
    writable: 'once',
    clone: false,
  }),
  strProperty<BaseVM>({
    name: 'uuid',
    perInstance: true,
    help: 'Identity of the domain, also for the hypervisor.',
    writable: 'once',
    clone: false,
  }),
  strProperty<BaseVM>({
    name: 'klass',
    perInstance: true,
    help: 'Class of the domain.',
    writable: 'never',
    clone: false,
    fallback: (vm) => vm.klass,
  }),
  strProperty<BaseVM>({
    name: 'icon',
    perInstance: true,
    help: 'Name of the icon that stands for the domain.',
    writable: 'never',
    clone: false,
    fallback: (vm) => vm.icon,
  }),
]

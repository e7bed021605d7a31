import { isDomainName } from '@cloister/admin-protocol'
import { msg, QubesPropertyValueError, QubesValueError } from '@cloister/kit'
import type { Property } from '../../properties/property.ts'
import { complete, type PropertyOptions } from '../../properties/property-kinds.ts'
import type { BaseVM } from '../base-vm.ts'
import type { Label } from '../labels.ts'
import type { System } from '../system.ts'

interface Owner {
  readonly app: System
}

/** A domain, or none. `accept` refuses domains that do not fit. */
export function vmProperty<O extends Owner>(
  options: PropertyOptions<O, BaseVM | null> & { readonly required?: true },
): Property<O, BaseVM | null> {
  const { required, ...rest } = options
  return complete(rest, {
    type: 'vm',
    parse: (owner, text) => {
      if (text === '') {
        if (required) throw new QubesPropertyValueError(msg`${options.name} cannot be none`)
        return null
      }
      if (!isDomainName(text))
        throw new QubesValueError(msg`${JSON.stringify(text)} is not a name that a domain can have`)
      const vm = owner.app.domains.find(text)
      if (!vm) throw new QubesPropertyValueError(msg`Cannot set ${options.name}: there is no domain ${text}`)
      return vm
    },
    format: (vm) => vm?.name ?? '',
  })
}

/** A label. */
export function labelProperty<O extends Owner>(options: PropertyOptions<O, Label>): Property<O, Label> {
  return complete(options, {
    type: 'label',
    parse: (owner, text) => owner.app.labels.fromProperty(text),
    format: (label) => label.name,
  })
}

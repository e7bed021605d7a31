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

/** A domain, or none unless the property is `required`; of a property that is `local`, a domain of this host. */
export function vmProperty<O extends Owner>(
  options: PropertyOptions<O, BaseVM | null> & { readonly local?: true },
): Property<O, BaseVM | null> {
  const { local, ...rest } = options
  const check = (owner: O, value: BaseVM | null): void => {
    if (local && value?.klass === 'RemoteVM')
      throw new QubesPropertyValueError(msg`${options.name} must be a domain of this host, which ${value.name} is not`)
    options.check?.(owner, value)
  }
  return complete(
    { ...rest, check },
    {
      type: 'vm',
      parse: (owner, text) => {
        if (text === '') {
          if (options.required) throw new QubesPropertyValueError(msg`${options.name} cannot be none`)
          return null
        }
        if (!isDomainName(text))
          throw new QubesValueError(msg`${JSON.stringify(text)} is not a name that a domain can have`)
        const vm = owner.app.domains.find(text)
        if (!vm) throw new QubesPropertyValueError(msg`Cannot set ${options.name}: there is no domain ${text}`)
        return vm
      },
      format: (vm) => vm?.name ?? '',
    },
  )
}

/** A label: by name, by index, or as `label-<index>` when no label has that very name. */
export function labelProperty<O extends Owner>(options: PropertyOptions<O, Label>): Property<O, Label> {
  return complete(options, {
    type: 'label',
    parse: (owner, text) => owner.app.labels.fromProperty(text),
    format: (label) => label.name,
  })
}

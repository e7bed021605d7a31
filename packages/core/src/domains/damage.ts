import { msg, QubesVMError } from '@cloister/kit'
import type { BaseVM } from './base-vm.ts'

/**
 * Refuses to start or to copy a domain of which a stored value cannot be read: the domain would run with more rights, or with
 * other values, than it was given.
 * @throws QubesVMError that lists what is damaged
 */
export function refuseDamaged(vm: BaseVM, verb: 'start' | 'clone'): void {
  const damage = [...damageOf(vm)]
  if (damage.length === 0) return
  throw new QubesVMError(
    msg`Cannot ${verb} ${vm.name}, because a stored value cannot be read: ${damage.join('; ')}. Set it anew, or reset it`,
  )
}

/** What is damaged of a domain, of its templates, and of the global properties that its defaults come from. */
function* damageOf(vm: BaseVM): Generator<string> {
  yield* vm.damage.list()
  for (let at = vm.template; at; at = at.template) for (const one of at.damage.list()) yield `${one} (of ${at.name})`
  for (const { name } of vm.propertyTable.values()) {
    if (vm.isDefault({ name }) && vm.app.global.damage.has(`default_${name}`))
      yield `the global property default_${name}, which ${name} comes from`
  }
}

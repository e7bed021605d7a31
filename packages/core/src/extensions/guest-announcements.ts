import { msg, QubesValueError } from '@cloister/kit'
import type { BaseVM } from '../domains/base-vm.ts'
import { updateable } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'

/** Features that the agent of a template or a standalone domain may set for itself (reference: admin-api, 7). */
const announced =
  /^(qrexec|gui|gui-emulated|qubes-firewall|vmexec|os|os-distribution|os-version|os-eol|qubes-agent-version|boot-mode\..+|supported-(service|feature|rpc)\..+)$/
const acceptable = /^[A-Za-z0-9.,_= -]*$/

/** Sets the features that a guest has written under `prefix` in its database. */
export async function requestFeatures(vm: BaseVM, prefix: string): Promise<void> {
  if (!(vm instanceof QubesVM) || !vm.run || vm.propertyTable.has('template')) return
  const wanted: [string, string][] = []
  for (const [path, value] of vm.run.database) {
    if (!path.startsWith(prefix)) continue
    if (!acceptable.test(value))
      throw new QubesValueError(
        msg`The features that ${vm.name} announces are refused: a value has characters other than letters, digits, space, and .,_=-`,
      )
    const name = path.slice(prefix.length)
    if (announced.test(name)) wanted.push([name, value])
  }
  await vm.app.changes.make((unit) => {
    for (const [name, value] of wanted) if (vm.features.find(name) !== value) vm.features.set(unit, name, value)
  })
}

/** Stores in features how many updates a guest could install: on the guest, or on its template (reference: admin-api, 3.14). */
export async function noteUpdates(vm: BaseVM, count: number): Promise<void> {
  const target = updateableAncestor(vm, count)
  if (!target) return
  const now = timestamp(new Date(vm.app.os.clock.now()))
  await vm.app.changes.make((unit) => {
    target.features.set(unit, 'updates-available', count > 0 ? '1' : '')
    target.features.set(unit, 'last-updates-check', now)
    if (count === 0) target.features.set(unit, 'last-update', now)
  })
}

/** The domain that installs the updates of `vm`: a template is reported on by its app domains while it is halted. */
function updateableAncestor(vm: BaseVM, count: number): BaseVM | undefined {
  if (isUpdateable(vm)) return vm
  if (count === 0) return undefined
  let at = vm.template
  while (at && !isUpdateable(at)) at = at.template
  return at?.powerState === 'Halted' ? at : undefined
}

/** Whether software is updated in the domain itself; every class that is updated has the property. */
function isUpdateable(vm: BaseVM): boolean {
  return vm.get(updateable) === true
}

/** Local time as `YYYY-MM-DD HH:MM:SS`. */
function timestamp(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

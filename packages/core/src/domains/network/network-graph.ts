import type { BaseVM } from '../base-vm.ts'

/** Name of the property that says which domain gives another its network. */
export const netvmName = 'netvm'

/** True when the way from `start` along `netvm` passes `target`. */
export function leadsTo(start: BaseVM, target: BaseVM): boolean {
  const seen = new Set<BaseVM>()
  for (let at: BaseVM | undefined = start; at && !seen.has(at); at = at.netvm) {
    if (at === target) return true
    seen.add(at)
  }
  return false
}

/** All domains whose netvm is `vm`. Domains that have it by default are looked for only when it is the default. */
export function* clientsOf(vm: BaseVM): Generator<BaseVM> {
  const { app } = vm
  for (const { holder } of app.references.of(vm, netvmName)) {
    const client = app.domains.find(holder.title)
    if (client === holder) yield client
  }
  if (app.defaults.netvm !== vm) return
  for (const other of app.domains) if (other.isDefault({ name: netvmName }) && other.netvm === vm) yield other
}

export function hasClients(vm: BaseVM): boolean {
  return !clientsOf(vm).next().done
}

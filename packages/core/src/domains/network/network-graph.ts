import type { App } from '../../app.ts'
import type { BaseVM } from '../base-vm.ts'

const netvmProperty = { name: 'netvm' } as const

/** True when the way from `start` along `netvm` passes `target`. */
export function leadsTo(start: BaseVM, target: BaseVM): boolean {
  const seen = new Set<BaseVM>()
  for (let at: BaseVM | null | undefined = start; at && !seen.has(at); at = at.get<BaseVM | null>(netvmProperty)) {
    if (at === target) return true
    seen.add(at)
  }
  return false
}

/** Who gets network from whom. */
export class NetworkGraph {
  readonly #app: App

  constructor(app: App) {
    this.#app = app
  }

  /** All domains whose netvm is `vm`. Those that have it by default are looked for only when it is the default. */
  *clients(vm: BaseVM): Generator<BaseVM> {
    for (const { holder } of this.#app.references.of(vm, 'netvm')) {
      const client = this.#app.domains.find(holder.title)
      if (client === holder) yield client
    }
    if (this.#app.defaultNetvm !== vm) return
    for (const other of this.#app.domains) {
      if (other.isDefault(netvmProperty) && other.get<BaseVM | null>(netvmProperty) === vm) yield other
    }
  }

  hasClients(vm: BaseVM): boolean {
    return !this.clients(vm).next().done
  }
}

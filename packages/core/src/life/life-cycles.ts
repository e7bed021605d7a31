import type { PowerControls } from '../domains/ports/power-control.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import { LifeCycle } from './life-cycle.ts'

/** Called when a domain has no guest any more: after a run, or after a start that failed. The phase is still `stopping`. */
export type RestHandler = (vm: QubesVM) => Promise<void>

/** The life cycle of each domain, made at its first use. */
export class LifeCycles implements PowerControls {
  readonly #cycles = new WeakMap<QubesVM, LifeCycle>()
  readonly #restHandlers: RestHandler[] = []

  of(vm: QubesVM): LifeCycle {
    let cycle = this.#cycles.get(vm)
    if (!cycle) {
      cycle = new LifeCycle(vm, () => this.#rest(vm))
      this.#cycles.set(vm, cycle)
    }
    return cycle
  }

  /** Calls `handler` whenever a domain has no guest any more; the domain cannot start again before the handler is done. */
  onRest(handler: RestHandler): void {
    this.#restHandlers.push(handler)
  }

  async #rest(vm: QubesVM): Promise<void> {
    for (const handler of this.#restHandlers) await handler(vm)
  }
}

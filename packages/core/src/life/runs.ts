import type { ChangeUnit } from '../changes/change-unit.ts'
import type { Intent } from '../changes/intents.ts'
import type { RunsPort } from '../domains/ports/runs.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'

/**
 * Which domains have their volumes in use, written down from before the first volume is started until the last one is
 * stopped. Start-up needs to look only at these, and stops the volumes of those whose guest has ended.
 */
export class Runs implements RunsPort {
  readonly #app: System
  readonly #intents = new WeakMap<QubesVM, Intent>()

  constructor(app: System) {
    this.#app = app
  }

  /** Takes a run over from storage. */
  load(vm: QubesVM, intent: Intent): void {
    this.#intents.set(vm, intent)
  }

  /** Before the volumes of a domain are started. The run before may not be ended: its volumes could not be stopped then. */
  async begin(vm: QubesVM): Promise<void> {
    const { id } = this.#intents.get(vm) ?? this.#app.intents.make('run', vm.name)
    const intent: Intent = { id, kind: 'run', subject: vm.name, details: { started: false } }
    await this.#app.changes.make((unit) => this.#app.intents.store(unit, intent))
    this.#intents.set(vm, intent)
  }

  /** The guest was let go: from now on it is to be found running. */
  async started(vm: QubesVM): Promise<void> {
    const intent = this.#intents.get(vm)
    if (intent)
      await this.#app.changes.make((unit) =>
        this.#app.intents.store(unit, { ...intent, details: { started: true, startedAt: vm.run?.startedAt } }),
      )
  }

  /** All volumes of the domain are stopped, and everything that follows from the end of its run is done. */
  async ended(vm: QubesVM): Promise<void> {
    if (this.#intents.has(vm)) await this.#app.changes.make((unit) => this.forget(unit, vm))
  }

  /** Nothing is left to be stopped. */
  forget(unit: ChangeUnit, vm: QubesVM): void {
    const intent = this.#intents.get(vm)
    if (!intent) return
    this.#intents.delete(vm)
    unit.onRollback(() => void this.#intents.set(vm, intent))
    this.#app.intents.end(unit, intent)
  }
}

import type { ChangeUnit } from '../changes/change-unit.ts'
import type { Intent } from '../changes/intents.ts'
import type { RunsPort } from '../domains/ports/runs.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'

/**
 * Which domains have volumes in use: an intent is stored before the first volume of a domain is started, and dropped when the
 * last one is stopped. Start-up looks only at these domains, and stops the volumes of those whose guest has ended.
 */
export class Runs implements RunsPort {
  readonly #app: System
  readonly #intents = new WeakMap<QubesVM, Intent>()

  constructor(app: System) {
    this.#app = app
  }

  /** Adopts the stored intent of a run, at start-up. */
  load(vm: QubesVM, intent: Intent): void {
    this.#intents.set(vm, intent)
  }

  /** Called before the volumes of a domain are started. The intent of an earlier run may still exist, when its volumes could not be stopped. */
  async begin(vm: QubesVM): Promise<void> {
    const { id } = this.#intents.get(vm) ?? this.#app.intents.make('run', vm.name)
    const intent: Intent = { id, kind: 'run', subject: vm.name, details: { started: false } }
    await this.#app.changes.make((unit) => this.#app.intents.store(unit, intent))
    this.#intents.set(vm, intent)
  }

  /** The guest was resumed for the first time: a daemon that starts later adopts it instead of ending it. */
  async started(vm: QubesVM): Promise<void> {
    const intent = this.#intents.get(vm)
    if (intent)
      await this.#app.changes.make((unit) =>
        this.#app.intents.store(unit, { ...intent, details: { started: true, startedAt: vm.run?.startedAt } }),
      )
  }

  /** All volumes of the domain are stopped. */
  async ended(vm: QubesVM): Promise<void> {
    if (this.#intents.has(vm)) await this.#app.changes.make((unit) => this.forget(unit, vm))
  }

  /** Drops the intent of the run together with the change of `unit`. */
  forget(unit: ChangeUnit, vm: QubesVM): void {
    const intent = this.#intents.get(vm)
    if (!intent) return
    this.#intents.delete(vm)
    unit.onRollback(() => void this.#intents.set(vm, intent))
    this.#app.intents.end(unit, intent)
  }
}

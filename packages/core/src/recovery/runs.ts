import type { App } from '../app.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { Intent } from './intents.ts'

/**
 * Which domains have their volumes in use, written down from before the first volume is started until the last one is
 * stopped. Start-up needs to look only at these, and stops the volumes of those whose guest has ended.
 */
export class Runs {
  readonly #app: App
  readonly #intents = new Map<number, Intent>()

  constructor(app: App) {
    this.#app = app
  }

  /** Takes a run over from storage. */
  load(vm: QubesVM, intent: Intent): void {
    this.#intents.set(vm.qid, intent)
  }

  /** Before the volumes of a domain are started. */
  async begin(vm: QubesVM): Promise<void> {
    this.#intents.set(vm.qid, await this.#app.intents.begin('run', vm.name, { started: false }))
  }

  /** The guest was let go: from now on it is to be found running. */
  async started(vm: QubesVM): Promise<void> {
    const intent = this.#intents.get(vm.qid)
    if (intent)
      await this.#app.change((unit) =>
        this.#app.intents.store(unit, { ...intent, details: { started: true, startedAt: vm.run?.startedAt } }),
      )
  }

  /** All volumes of the domain are stopped. */
  async ended(vm: QubesVM): Promise<void> {
    const intent = this.#intents.get(vm.qid)
    if (!intent) return
    await this.#app.change((unit) => this.#app.intents.end(unit, intent))
    this.#intents.delete(vm.qid)
  }
}

import type { App } from '../app.ts'
import type { ChangeUnit } from '../properties/property.ts'

/** Work that touches disk or hypervisor and that start-up finishes or undoes. */
export const intentKinds = ['create', 'remove', 'run', 'pool-add'] as const

export type IntentKind = (typeof intentKinds)[number]

/** What was begun, as it is stored. */
export interface Intent {
  readonly id: number
  readonly kind: IntentKind
  /** Name of what it is about. */
  readonly subject: string
  readonly details: Readonly<Record<string, unknown>>
}

/** Written down before work begins that cannot be done in one step (design: decision 6). */
export class Intents {
  readonly #app: App
  #nextId = 1

  constructor(app: App) {
    this.#app = app
  }

  /** Notes ids that storage holds, so that none is given twice. */
  noteLoaded(intents: readonly Intent[]): void {
    for (const { id } of intents) this.#nextId = Math.max(this.#nextId, id + 1)
  }

  /** An intent that is still to be stored, together with the first change of the work. */
  make(kind: IntentKind, subject: string, details: Intent['details'] = {}): Intent {
    return { id: this.#nextId++, kind, subject, details }
  }

  /** Makes an intent durable. */
  async begin(kind: IntentKind, subject: string, details: Intent['details'] = {}): Promise<Intent> {
    const intent = this.make(kind, subject, details)
    await this.#app.change((unit) => this.store(unit, intent))
    return intent
  }

  store(unit: ChangeUnit, { id, kind, subject, details }: Intent): void {
    unit.put('intents', [id], [kind, subject, JSON.stringify(details), this.#app.os.host.bootId])
  }

  /** Drops an intent together with the change that completes it. */
  end(unit: ChangeUnit, { id }: Intent): void {
    unit.delete('intents', [id])
  }

  /** Runs `work` under an intent that nothing completes but the end of the work, successful or not. */
  async during<T>(kind: IntentKind, subject: string, details: Intent['details'], work: () => Promise<T>): Promise<T> {
    const intent = await this.begin(kind, subject, details)
    try {
      return await work()
    } finally {
      await this.#app.change((unit) => this.end(unit, intent))
    }
  }
}

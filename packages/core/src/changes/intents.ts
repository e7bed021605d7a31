import type { ChangeUnit } from './change-unit.ts'
import type { Changes } from './changes.ts'

/** Work that touches disk or hypervisor and that start-up finishes or undoes. */
export const intentKinds = ['create', 'remove', 'run', 'pool-add'] as const

export type IntentKind = (typeof intentKinds)[number]

/** A stored note about work that was begun. */
export interface Intent {
  readonly id: number
  readonly kind: IntentKind
  /** Name of the domain or pool that the work is about. */
  readonly subject: string
  readonly details: Readonly<Record<string, unknown>>
}

/** Intents: notes that are stored before work that cannot be done in one step (design: decision 6). */
export class Intents {
  readonly #changes: Changes
  readonly #bootId: string
  #nextId = 1

  constructor(changes: Changes, bootId: string) {
    this.#changes = changes
    this.#bootId = bootId
  }

  /** Notes the stored ids, so that no id is given twice. */
  noteLoaded(intents: readonly Intent[]): void {
    for (const { id } of intents) this.#nextId = Math.max(this.#nextId, id + 1)
  }

  /** Creates an intent; `store` makes it durable together with the first change of the work. */
  make(kind: IntentKind, subject: string, details: Intent['details'] = {}): Intent {
    return { id: this.#nextId++, kind, subject, details }
  }

  /** Makes an intent durable. */
  async begin(kind: IntentKind, subject: string, details: Intent['details'] = {}): Promise<Intent> {
    const intent = this.make(kind, subject, details)
    await this.#changes.make((unit) => this.store(unit, intent))
    return intent
  }

  store(unit: ChangeUnit, { id, kind, subject, details }: Intent): void {
    unit.put('intents', [id], [kind, subject, JSON.stringify(details), this.#bootId])
  }

  /** Drops an intent together with the change that completes the work. */
  end(unit: ChangeUnit, { id }: Intent): void {
    unit.delete('intents', [id])
  }

  /** Stores an intent, runs `work`, and drops the intent when `work` ends, successfully or not. */
  async during<T>(kind: IntentKind, subject: string, details: Intent['details'], work: () => Promise<T>): Promise<T> {
    const intent = await this.begin(kind, subject, details)
    try {
      return await work()
    } finally {
      await this.#changes.make((unit) => this.end(unit, intent))
    }
  }
}

import type { Journal } from '../state/journal.ts'
import type { ChangeUnit } from './change-unit.ts'
import type { CoreEvent } from './core-event.ts'

/** The part of the event bus that a change needs. */
interface Tells {
  tellAsked(unit: ChangeUnit): void
}

/** Changes of the system: each is one unit of work, which becomes durable and sends its events as a whole (design: decisions 4 and 5). */
export class Changes {
  readonly #journal: Journal<CoreEvent>
  readonly #events: Tells
  readonly #followUps = new WeakMap<ChangeUnit, (() => Promise<void>)[]>()

  constructor(journal: Journal<CoreEvent>, events: Tells) {
    this.#journal = journal
    this.#events = events
  }

  /**
   * Makes a change as one unit of work: all of it becomes durable, or none of it happened. Resolves when the change is
   * durable and its events are sent. Of a change that is refused, subscribers get the `-pre-` events only.
   * @throws what `work` throws; StateWriteError when the change could not be stored and was undone
   */
  async make<T>(work: (unit: ChangeUnit) => T): Promise<T> {
    const unit = this.#journal.begin()
    let result: T
    try {
      result = work(unit)
    } catch (error) {
      unit.rollback(error)
      this.#events.tellAsked(unit)
      throw error
    }
    await unit.commit()
    for (const followUp of this.#followUps.get(unit) ?? []) await followUp()
    return result
  }

  /**
   * Does `work` when the change of `unit` is durable, before `make` resolves; meant for effects outside of the state. When
   * `work` throws, the caller of `make` gets the error, and the change stays.
   */
  afterwards(unit: ChangeUnit, work: () => Promise<void>): void {
    this.#followUps.set(unit, [...(this.#followUps.get(unit) ?? []), work])
  }

  /** Resolves when every change before this call is durable and every event before this call is sent. */
  async settled(): Promise<void> {
    await this.make(() => {})
  }
}

import { errorChain } from '@cloister/kit'
import type { LifecycleEvent, Subscription } from '../driver.ts'
import type { DriverEnvironment } from './driver-environment.ts'

type Listener = (event: LifecycleEvent) => void

/**
 * Those who want a driver's life-cycle events. Everybody gets every event in the order of the changes, also when a
 * listener brings about the next change; one that throws is logged and keeps nobody else from hearing.
 */
export class LifecycleListeners {
  readonly #listeners = new Set<{ readonly listener: Listener }>()
  readonly #waiting: LifecycleEvent[] = []
  readonly #log: DriverEnvironment['log']
  #delivering = false

  constructor(log?: DriverEnvironment['log']) {
    this.#log = log
  }

  /** Adds a listener; the same function may be added more than once. */
  register(listener: Listener): Subscription {
    const entry = { listener }
    this.#listeners.add(entry)
    return { close: () => void this.#listeners.delete(entry) }
  }

  /** Hands an event to everybody before it returns, unless an earlier event is still on its way. */
  emit(event: LifecycleEvent): void {
    this.#waiting.push(event)
    if (this.#delivering) return
    this.#delivering = true
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#deliver(next)
    this.#delivering = false
  }

  /** Nobody hears anything any more. */
  clear(): void {
    this.#listeners.clear()
  }

  #deliver(event: LifecycleEvent): void {
    for (const entry of [...this.#listeners]) {
      if (this.#listeners.has(entry)) this.#call(entry.listener, event)
    }
  }

  #call(listener: Listener, event: LifecycleEvent): void {
    try {
      listener(event)
    } catch (error) {
      this.#log?.('error', 'a listener of life-cycle events failed', {
        domain: event.domain.name,
        event: event.event,
        error: errorChain(error),
      })
    }
  }
}

import { errorChain } from '@cloister/kit'
import type { LifecycleEvent, Subscription } from '../driver.ts'
import type { DriverEnvironment } from './driver-environment.ts'

type Listener = (event: LifecycleEvent) => void

/**
 * Listeners of a driver's life-cycle events. Each gets every event in the order of the changes, also when a listener causes
 * the next change. An error that a listener throws is logged, and the other listeners get the event nevertheless.
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

  /** Calls all listeners before it returns; a listener that causes an event gets it after the event that is being delivered. */
  emit(event: LifecycleEvent): void {
    this.#waiting.push(event)
    if (this.#delivering) return
    this.#delivering = true
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#deliver(next)
    this.#delivering = false
  }

  /** Removes all listeners. */
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

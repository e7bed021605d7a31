import type { Clock, Timer } from '@cloister/os'

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #time = 0
  readonly #alarms: { readonly at: number; readonly ring: () => void }[] = []

  now(): number {
    return this.#time
  }

  monotonic(): number {
    return this.#time
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  after(ms: number, work: () => void): Timer {
    const alarm = { at: this.#time + ms, ring: work }
    this.#alarms.push(alarm)
    return { cancel: () => void this.#alarms.splice(this.#alarms.indexOf(alarm), 1) }
  }

  /** Moves on, rings what is due, and lets it have its effect. */
  async advance(ms: number): Promise<void> {
    this.#time += ms
    for (const alarm of this.#alarms.filter(({ at }) => at <= this.#time)) {
      this.#alarms.splice(this.#alarms.indexOf(alarm), 1)
      alarm.ring()
    }
    await new Promise(setImmediate)
  }
}

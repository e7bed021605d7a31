import type { Clock, Timer } from '../clock.ts'
import { sleepOn } from '../sleep.ts'

interface Waiting {
  readonly due: number
  readonly work: () => void
}

/** A clock that stands still until a test moves it. */
export class ModelledClock implements Clock {
  readonly #start: number
  #elapsed = 0
  #waiting: Waiting[] = []

  /** @param start wall clock at the beginning, milliseconds since 1970 */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#start = start
  }

  now(): number {
    return this.#start + this.#elapsed
  }

  monotonic(): number {
    return this.#elapsed
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn((wait, work) => this.after(wait, work), ms, signal)
  }

  after(ms: number, work: () => void): Timer {
    const entry = { due: this.#elapsed + ms, work }
    this.#waiting.push(entry)
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((other) => other !== entry)
      },
    }
  }

  /** Timers that have not fired yet. */
  get pending(): number {
    return this.#waiting.length
  }

  /** Moves the clock; timers that become due fire at their times, in order. */
  advance(ms: number): void {
    const end = this.#elapsed + ms
    for (;;) {
      const [next] = this.#waiting.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)
      if (!next) break
      this.#waiting = this.#waiting.filter((other) => other !== next)
      this.#elapsed = Math.max(this.#elapsed, next.due)
      next.work()
    }
    this.#elapsed = end
  }
}

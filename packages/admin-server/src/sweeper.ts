import type { Clock, Timer } from '@cloister/os'

const everyMs = 1000

/** Calls a function for each connection of an endpoint once a second, with one timer for all connections. */
export class Sweeper<T> {
  readonly #clock: Clock
  readonly #look: (item: T, now: number) => void
  readonly #items = new Set<T>()
  #timer: Timer | undefined

  constructor(clock: Clock, look: (item: T, now: number) => void) {
    this.#clock = clock
    this.#look = look
  }

  get size(): number {
    return this.#items.size
  }

  add(item: T): void {
    this.#items.add(item)
    this.#timer ??= this.#clock.after(everyMs, () => this.#sweep())
  }

  delete(item: T): void {
    this.#items.delete(item)
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items.values()
  }

  #sweep(): void {
    const now = this.#clock.monotonic()
    for (const item of this.#items) this.#look(item, now)
    this.#timer = this.#items.size > 0 ? this.#clock.after(everyMs, () => this.#sweep()) : undefined
  }
}

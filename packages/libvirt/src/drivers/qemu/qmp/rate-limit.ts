import type { Clock } from '@cloister/os'

/** How much may come at once, and how much each second on average. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

/** Counts what comes against a rate. What was counted is forgiven as time passes (a token bucket). */
export class RateLimit {
  readonly #rate: Rate
  readonly #clock: Clock
  /** What may still come now; negative when too much has come. */
  #left: number
  #countedAt: number
  #exceededSince: number | undefined

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate
    this.#clock = clock
    this.#left = rate.burst
    this.#countedAt = clock.monotonic()
  }

  /** Counts `amount`. Returns the ms until the rate is kept again: 0 when it is kept now. */
  take(amount: number): number {
    const now = this.#clock.monotonic()
    const { burst, perSecond } = this.#rate
    this.#left = Math.min(burst, this.#left + ((now - this.#countedAt) / 1000) * perSecond)
    this.#countedAt = now
    // Half of the burst is there again: the source has been quiet for a while.
    if (this.#left > burst / 2) this.#exceededSince = undefined
    this.#left -= amount
    if (this.#left >= 0) return 0
    this.#exceededSince ??= now
    return (-this.#left / perSecond) * 1000
  }

  /** For how long the source has used up all that the rate allows, without a rest, ms. */
  get exceededMs(): number {
    return this.#exceededSince === undefined ? 0 : this.#clock.monotonic() - this.#exceededSince
  }

  /** Does not count an `amount` that was counted, or will be. */
  uncount(amount: number): void {
    this.#left += amount
  }
}

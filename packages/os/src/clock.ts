/** A timer that can be called off. */
export interface Timer {
  cancel(): void
}

/** The clocks and timers of a machine. A wait can have any length: also one of more than 2^31 ms. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number
  /** A clock that only goes forward, milliseconds. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `work` once after `ms`; does not keep the process alive. */
  after(ms: number, work: () => void): Timer
}

import type { Clock } from '@cloister/os'

/** Calls whose work is not done, whether or not somebody still waits for the reply. */
export class RunningCalls {
  readonly #calls = new Set<Promise<unknown>>()

  /** Follows a call to its end. */
  follow(call: Promise<unknown>): void {
    this.#calls.add(call)
    const forget = (): void => void this.#calls.delete(call)
    call.then(forget, forget)
  }

  /** Resolves when all calls have ended, or after `graceMs`. @returns how many are left */
  async settle(clock: Clock, graceMs: number): Promise<number> {
    const late = new AbortController()
    const patience = clock.sleep(graceMs, late.signal).catch(() => {})
    await Promise.race([Promise.allSettled(this.#calls), patience])
    late.abort()
    return this.#calls.size
  }
}

import { type Clock, within } from '@cloister/os'

/** The work that the daemon waits for when it stops: calls under way, and replies that clients have not taken yet. */
export class RunningCalls {
  readonly #work = new Set<Promise<unknown>>()

  /** Counts `work` until it settles. */
  follow(work: Promise<unknown>): void {
    this.#work.add(work)
    const forget = (): void => void this.#work.delete(work)
    work.then(forget, forget)
  }

  /** Resolves when all work has ended, or after `graceMs`. @returns how much is left */
  async settle(clock: Clock, graceMs: number): Promise<number> {
    await within({ clock, ms: graceMs, what: 'the end of all calls' }, this.#allSettled()).catch(() => undefined)
    return this.#work.size
  }

  /** Replies are added when their calls have ended. */
  async #allSettled(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled(this.#work)
  }
}

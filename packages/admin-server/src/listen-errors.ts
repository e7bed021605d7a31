import type { Log } from '@cloister/kit'
import type { Clock } from '@cloister/os'

/** A socket that cannot accept connections fails many times a second: the failure is logged once in this time, ms. */
const everyMs = 60_000

/** Logs that a listening socket could not accept a connection, for example because the process has no descriptor left. */
export class ListenErrors {
  readonly #clock: Clock
  readonly #log: Log
  readonly #path: string
  #last: number | undefined
  #unreported = 0

  constructor(clock: Clock, log: Log, path: string) {
    this.#clock = clock
    this.#log = log
    this.#path = path
  }

  note(error: Error): void {
    const now = this.#clock.monotonic()
    if (this.#last !== undefined && now - this.#last < everyMs) {
      this.#unreported++
      return
    }
    this.#log.error('a connection could not be accepted', {
      socket: this.#path,
      error,
      ...(this.#unreported > 0 && { before: this.#unreported }),
    })
    this.#last = now
    this.#unreported = 0
  }
}

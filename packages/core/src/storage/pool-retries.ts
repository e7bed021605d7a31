import { errorChain, errorText, type Log } from '@cloister/kit'
import type { Os, Timer } from '@cloister/os'
import type { Pool } from '@cloister/storage'

/** Time between two attempts, ms: doubled after each, up to the longest. */
const firstWaitMs = 1000
const longestWaitMs = 60_000

interface Away {
  readonly reason: string
  readonly waitMs: number
  readonly timer: Timer
}

/** Pools that could not be opened. Each is tried again in the background until it opens or is removed. */
export class PoolRetries {
  readonly #system: { readonly os: Os; readonly log: Log }
  readonly #away = new Map<Pool, Away>()

  constructor(system: { readonly os: Os; readonly log: Log }) {
    this.#system = system
  }

  /** Notes a pool that could not be opened, and begins to try again. */
  add(pool: Pool, error: unknown): void {
    this.#system.log.error('a storage pool could not be opened: its volumes are out of reach until it can be', {
      pool: pool.name,
      error: errorChain(error),
    })
    this.#wait(pool, error, firstWaitMs)
  }

  /** Why a pool is out of reach; undefined when it is open. */
  reason(pool: Pool): string | undefined {
    return this.#away.get(pool)?.reason
  }

  /** Stops trying to open a pool. */
  drop(pool: Pool): void {
    this.#away.get(pool)?.timer.cancel()
    this.#away.delete(pool)
  }

  close(): void {
    for (const pool of [...this.#away.keys()]) this.drop(pool)
  }

  #wait(pool: Pool, error: unknown, waitMs: number): void {
    const timer = this.#system.os.clock.after(waitMs, () => void this.#retry(pool))
    this.#away.set(pool, { reason: errorText(error), waitMs, timer })
  }

  async #retry(pool: Pool): Promise<void> {
    const before = this.#away.get(pool)
    try {
      await pool.open()
      // The pool may have been removed while it was opened.
      if (this.#away.get(pool) !== before) return await pool.close()
      this.#away.delete(pool)
      this.#system.log.info('a storage pool that could not be opened before is open now', { pool: pool.name })
    } catch (error) {
      if (before && this.#away.get(pool) === before) this.#wait(pool, error, Math.min(2 * before.waitMs, longestWaitMs))
    }
  }
}

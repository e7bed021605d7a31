import { errorChain } from '@cloister/kit'
import type { Timer } from '@cloister/os'
import type { Intent } from '../changes/intents.ts'
import type { LeftoversPort } from '../domains/ports/leftovers.ts'
import type { System } from '../domains/system.ts'
import type { VolumePlace } from '../storage/domain-storage.ts'

/** Time between two attempts, ms: doubled after each, up to the longest. */
const firstWaitMs = 10_000
const longestWaitMs = 600_000

/**
 * Volumes and guest definitions of domains that are no part of the system: of a domain that was removed, or that could not be
 * made, while its pool or the hypervisor was out of reach. Each is remembered by an intent, and tried again while the daemon
 * runs and when the next one starts.
 */
export class Leftovers implements LeftoversPort {
  readonly #app: System
  readonly #intents = new Map<number, Intent>()
  #timer: Timer | undefined
  #waitMs = firstWaitMs

  constructor(app: System) {
    this.#app = app
  }

  add(intent: Intent, error: unknown): void {
    this.#app.log.error('something of a domain that is gone could not be removed: it is tried again', {
      domain: intent.subject,
      error: errorChain(error),
    })
    this.#intents.set(intent.id, intent)
    this.#wait()
  }

  async clear(intent: Intent): Promise<void> {
    const { uuid, volumes } = intent.details
    if (uuid !== undefined)
      for (const hypervisor of this.#app.hypervisors.all()) await hypervisor.undefine({ uuid: String(uuid) })
    // Another domain may have got the name since, and with it the volumes.
    const kept = this.#app.domains.find(intent.subject)?.storage?.places() ?? []
    for (const { pool, vid } of volumes as readonly VolumePlace[]) {
      if (kept.some((place) => place.pool === pool && place.vid === vid)) continue
      const name = vid.slice(vid.lastIndexOf('/') + 1)
      await this.#app.pools.get(pool).initVolume({ name, vid, rw: true, saveOnStop: true, snapOnStart: false }).remove()
    }
    await this.#app.changes.make((unit) => this.#app.intents.end(unit, intent))
  }

  /** Ends the attempts; the next daemon begins anew. */
  close(): void {
    this.#timer?.cancel()
  }

  #wait(): void {
    this.#timer ??= this.#app.os.clock.after(this.#waitMs, () => void this.#retry())
  }

  async #retry(): Promise<void> {
    for (const [id, intent] of [...this.#intents]) {
      try {
        await this.clear(intent)
        this.#intents.delete(id)
      } catch (error) {
        this.#app.log.debug('something of a domain that is gone still cannot be removed', {
          domain: intent.subject,
          error: errorChain(error),
        })
      }
    }
    this.#timer = undefined
    this.#waitMs = this.#intents.size > 0 ? Math.min(2 * this.#waitMs, longestWaitMs) : firstWaitMs
    if (this.#intents.size > 0) this.#wait()
  }
}

import type { Log } from '@cloister/kit'
import { msg, QubesException, QubesPoolInUseError } from '@cloister/kit'
import type { Os } from '@cloister/os'
import { createPool, type Pool, type Volume } from '@cloister/storage'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { Changes } from '../changes/changes.ts'
import type { Fires, Subject } from '../changes/event-bus.ts'
import type { Intents } from '../changes/intents.ts'
import type { PoolEvents } from './pool-events.ts'
import type { StorageOwner } from './storage-owner.ts'

/** The folder pool that a fresh system has, and the pool of kernels. */
export const systemPools = { volumes: 'varlibqubes', kernels: 'linux-kernel' } as const

/** What pools need of the system around them. */
export interface PoolsSystem {
  readonly os: Os
  readonly log: Log
  readonly changes: Changes
  readonly events: Fires<PoolEvents>
  readonly intents: Intents
  /** The system as a whole, on which events of pools are fired. */
  readonly global: Subject & {
    /** Global properties that name a pool, with the pool that each names now. */
    poolProperties(): Iterable<readonly [property: string, pool: string | null]>
    /** Name of the pool for new volumes of that name. */
    defaultPoolOf(volume: string): string | null
  }
}

/** The pools of the system, in the order in which they were added (reference: storage-and-lifecycle, A.12). */
export class Pools {
  readonly #app: PoolsSystem
  readonly #owners = new WeakMap<Volume, StorageOwner>()
  readonly #pools = new Map<string, Pool>()
  /** Where each pool stands in the order in which they were added. */
  readonly #positions = new Map<string, number>()

  constructor(app: PoolsSystem) {
    this.#app = app
  }

  list(): Pool[] {
    return [...this.#pools.values()]
  }

  has(name: string): boolean {
    return this.#pools.has(name)
  }

  /** @throws QubesException when there is no such pool */
  get(name: string): Pool {
    const pool = this.#pools.get(name)
    if (!pool) throw new QubesException(msg`Unknown storage pool ${name}: \`cloister pool ls\` lists them`)
    return pool
  }

  /** The pool for new volumes of that name, such as `root` or `kernel`. */
  default(volume: string): Pool {
    const name = this.#app.global.defaultPoolOf(volume)
    if (!name)
      throw new QubesException(
        msg`Cannot determine the storage pool for the volume ${volume}: set the property default_pool`,
      )
    return this.get(name)
  }

  /** The default of `default_pool`. */
  systemDefault(): string | null {
    return ['default', systemPools.volumes].find((name) => this.#pools.has(name)) ?? null
  }

  /** Adds a pool after setting it up. An intent covers the time until it is stored. */
  async add(name: string, driver: string, options: Readonly<Record<string, string>>): Promise<Pool> {
    if (this.#pools.has(name)) throw new QubesPoolInUseError(msg`There is a storage pool ${name} already`)
    const pool = createPool(driver, name, options, this.#app.os, (text) => this.#app.log.warn(text, { pool: name }))
    await this.#app.intents.during('pool-add', name, {}, async () => {
      await pool.setup()
      try {
        await this.#app.changes.make((unit) => this.register(unit, pool))
      } catch (error) {
        await pool.close()
        throw error
      }
    })
    return pool
  }

  /** Forgets a pool that nobody uses; what is in it stays where it is. */
  async remove(name: string): Promise<void> {
    const pool = this.get(name)
    const user = await this.#userOf(pool)
    if (user) throw new QubesPoolInUseError(msg`Storage pool ${name} is in use by ${user}`)
    await this.#app.changes.make((unit) => {
      this.#app.events.fire(unit, this.#app.global, 'pool-pre-delete', { pool })
      this.#forget(pool)
      unit.undo(() => this.#pools.set(name, pool))
      unit.delete('pools', [name])
      this.#app.events.fire(unit, this.#app.global, 'pool-delete', { pool })
    })
    await pool.close()
  }

  /** Changes a setting of a pool and writes it down. */
  async configure<K extends 'revisionsToKeep' | 'ephemeralVolatile'>(
    name: string,
    setting: K,
    value: Pool[K],
  ): Promise<void> {
    const pool = this.get(name)
    const before = pool[setting]
    await this.#app.changes.make((unit) => {
      pool[setting] = value
      unit.undo(() => {
        pool[setting] = before
      })
      this.#store(unit, pool)
    })
  }

  /** Takes a pool over from storage. */
  load(pool: Pool, position: number): void {
    this.#pools.set(pool.name, pool)
    this.#positions.set(pool.name, position)
  }

  /** Makes a pool that was set up part of the system. */
  register(unit: ChangeUnit, pool: Pool): void {
    this.#pools.set(pool.name, pool)
    unit.undo(() => this.#forget(pool))
    this.#positions.set(pool.name, Math.max(-1, ...this.#positions.values()) + 1)
    this.#store(unit, pool)
    this.#app.events.fire(unit, this.#app.global, 'pool-add', { pool })
  }

  /** The domain that a volume belongs to. */
  ownerOf(volume: Volume): StorageOwner | undefined {
    return this.#owners.get(volume)
  }

  noteOwner(volume: Volume, owner: StorageOwner): void {
    this.#owners.set(volume, owner)
  }

  #store(unit: ChangeUnit, pool: Pool): void {
    unit.put('pools', [pool.name], [this.#positions.get(pool.name) ?? 0, JSON.stringify(pool.config())])
  }

  #forget(pool: Pool): void {
    this.#pools.delete(pool.name)
  }

  /** Who keeps a pool from being removed. */
  async #userOf(pool: Pool): Promise<string | undefined> {
    for (const [property, named] of this.#app.global.poolProperties())
      if (named === pool.name) return `the property ${property}`
    const volume = (await pool.listVolumes()).find((one) => this.ownerOf(one)?.registered)
    return volume && `the volume ${volume.vid}`
  }
}

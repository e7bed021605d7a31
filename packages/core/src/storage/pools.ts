import {
  errorChain,
  errorText,
  type Log,
  msg,
  QubesException,
  QubesPoolInUseError,
  QubesValueError,
  StoragePoolException,
} from '@cloister/kit'
import type { Os } from '@cloister/os'
import { createPool, type Pool, type PoolOptions, type Volume } from '@cloister/storage'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { Changes } from '../changes/changes.ts'
import type { Fires, Subject } from '../changes/event-bus.ts'
import type { Intent, Intents } from '../changes/intents.ts'
import type { PoolEvents } from './pool-events.ts'
import { PoolRetries } from './pool-retries.ts'
import type { StorageOwner } from './storage-owner.ts'

/** Names of the pools of a fresh system. */
export const systemPools = { volumes: 'varlibqubes', kernels: 'linux-kernel' } as const

/** The part of the system that pools use. */
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
  /** Position of each pool in the order of addition. */
  readonly #positions = new Map<string, number>()
  /** Names and folders of pools that are being added or removed. */
  readonly #reserved = new Set<string>()
  /** How many operations are creating volumes in each pool. */
  readonly #holds = new Map<Pool, number>()
  /** Stored pools for which no driver can be created, with the reason: their names stay in use. */
  readonly #unusable = new Map<string, string>()
  readonly #retries: PoolRetries

  constructor(app: PoolsSystem) {
    this.#app = app
    this.#retries = new PoolRetries(app)
  }

  /** All pools, also those that are out of reach. */
  list(): Pool[] {
    return [...this.#pools.values()]
  }

  has(name: string): boolean {
    return this.#pools.has(name)
  }

  /** @throws QubesException when there is no such pool */
  get(name: string): Pool {
    const pool = this.#pools.get(name)
    if (pool) return pool
    const reason = this.#unusable.get(name)
    if (reason !== undefined) throw new StoragePoolException(msg`The storage pool ${name} cannot be used: ${reason}`)
    throw new QubesException(msg`Unknown storage pool ${name}: \`cloister pool ls\` lists them`)
  }

  /** The pools that are out of reach now, each with the reason. */
  *away(): Generator<{ readonly name: string; readonly reason: string }> {
    for (const name of [...this.#pools.keys(), ...this.#unusable.keys()]) {
      const reason = this.reasonAway(name)
      if (reason !== undefined) yield { name, reason }
    }
  }

  /** Why a pool is out of reach now; undefined when it can be used. */
  reasonAway(name: string): string | undefined {
    const pool = this.#pools.get(name)
    return pool ? this.#retries.reason(pool) : this.#unusable.get(name)
  }

  /**
   * Prevents the removal of pools while volumes are created in them for a domain that is not registered yet. Takes effect at
   * once; ends when the returned object is disposed of.
   * @throws QubesPoolInUseError when one of the pools is being removed
   */
  hold(pools: Iterable<Pool>): Disposable {
    const held = new Set(pools)
    for (const pool of held) {
      if (this.#pools.get(pool.name) !== pool || this.#reserved.has(pool.name))
        throw new QubesPoolInUseError(msg`No volume can be made in the storage pool ${pool.name}: it is being removed`)
    }
    for (const pool of held) this.#holds.set(pool, (this.#holds.get(pool) ?? 0) + 1)
    const release = (): void => {
      for (const pool of held) this.#holds.set(pool, (this.#holds.get(pool) ?? 0) - 1)
      held.clear()
    }
    return { [Symbol.dispose]: release }
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
    const pool = createPool(driver, name, options, this.#app.os, this.#warn(name))
    using _name = this.#reserve(name, `storage pool ${name}`, () => {
      if (this.#pools.has(name) || this.#unusable.has(name))
        throw new QubesPoolInUseError(msg`There is a storage pool ${name} already`)
    })
    const folder = pool.config()['dir_path'] ?? ''
    // Otherwise a call that fails would remove the folder that the other call has made its pool in.
    using _folder = folder === '' ? undefined : this.#reserve(folder, `folder ${folder}`)
    // An error of this check is ignored: the driver checks the path again, with a better message.
    const made = await this.#app.os.files.stat(folder).then(
      (found) => found === undefined,
      () => false,
    )
    const intent = await this.#app.intents.begin('pool-add', name, { driver, options, made })
    try {
      await pool.setup()
      await this.#app.changes.make((unit) => {
        this.register(unit, pool)
        this.#app.intents.end(unit, intent)
      })
    } catch (error) {
      await this.#undoAdd(pool, intent, made)
      throw error
    }
    return pool
  }

  /** At start-up: undoes the set-up of a pool whose addition was interrupted before the pool was stored. */
  async resolveAdd(name: string, details: Readonly<Record<string, unknown>>): Promise<void> {
    const { driver, options, made } = details
    if (this.#pools.has(name) || made !== true || typeof driver !== 'string') return
    await createPool(driver, name, options as PoolOptions, this.#app.os, this.#warn(name)).discard()
  }

  /** Removes a pool that no domain uses from the system; its files stay. */
  async remove(name: string): Promise<void> {
    const pool = this.get(name)
    using _ = this.#reserve(name, `storage pool ${name}`, () => this.#refuseUsed(pool))
    const volumes = await pool.listVolumes()
    await this.#app.changes.make((unit) => {
      this.#refuseUsed(pool, volumes)
      this.#app.events.fire(unit, this.#app.global, 'pool-pre-delete', { pool })
      this.#forget(pool)
      unit.onRollback(() => this.#pools.set(name, pool))
      unit.delete('pools', [name])
      this.#app.events.fire(unit, this.#app.global, 'pool-delete', { pool })
    })
    this.#retries.drop(pool)
    await pool.close()
  }

  /** Changes a setting of a pool and stores it. */
  async configure<K extends 'revisionsToKeep' | 'ephemeralVolatile'>(
    name: string,
    setting: K,
    value: Pool[K],
  ): Promise<void> {
    const pool = this.get(name)
    const before = pool[setting]
    await this.#app.changes.make((unit) => {
      pool[setting] = value
      unit.onRollback(() => {
        pool[setting] = before
      })
      this.#store(unit, pool)
    })
  }

  /** Loads a stored pool and opens it; a pool that cannot be opened is tried again later. */
  async load(name: string, position: number, config: string): Promise<void> {
    this.#positions.set(name, position)
    let pool: Pool
    try {
      const { driver = '', name: _, ...options } = parsePoolConfig(config)
      pool = createPool(driver, name, options, this.#app.os, this.#warn(name))
    } catch (error) {
      this.#unusable.set(name, errorText(error))
      this.#app.log.error('a stored storage pool cannot be used: domains with volumes in it cannot start', {
        pool: name,
        error: errorChain(error),
      })
      return
    }
    this.#pools.set(name, pool)
    await pool.open().catch((error: unknown) => this.#retries.add(pool, error))
  }

  /** Stops trying to open pools, and closes those that are open. */
  async close(): Promise<void> {
    this.#retries.close()
    for (const pool of this.list()) await pool.close()
  }

  /** Registers a pool that is set up. */
  register(unit: ChangeUnit, pool: Pool): void {
    this.#pools.set(pool.name, pool)
    unit.onRollback(() => this.#forget(pool))
    this.#positions.set(pool.name, Math.max(-1, ...this.#positions.values()) + 1)
    this.#store(unit, pool)
    this.#app.events.fire(unit, this.#app.global, 'pool-add', { pool })
  }

  /** The domain that a volume belongs to. */
  ownerOf(volume: Volume): StorageOwner | undefined {
    return this.#owners.get(volume)
  }

  setOwner(volume: Volume, owner: StorageOwner): void {
    this.#owners.set(volume, owner)
  }

  #store(unit: ChangeUnit, pool: Pool): void {
    unit.put('pools', [pool.name], [this.#positions.get(pool.name) ?? 0, JSON.stringify(pool.config())])
  }

  #forget(pool: Pool): void {
    this.#pools.delete(pool.name)
  }

  /** Keeps the name or the folder of a pool for an operation that adds or removes the pool. @throws what `check` throws */
  #reserve(key: string, title: string, check: () => void = () => {}): Disposable {
    check()
    if (this.#reserved.has(key)) throw new QubesPoolInUseError(msg`Another call is adding or removing the ${title}`)
    this.#reserved.add(key)
    return { [Symbol.dispose]: () => void this.#reserved.delete(key) }
  }

  #refuseUsed(pool: Pool, volumes: readonly Volume[] = []): void {
    const user = this.#userOf(pool, volumes)
    if (user) throw new QubesPoolInUseError(msg`Storage pool ${pool.name} is in use by ${user}`)
  }

  /** The first user that prevents the removal of a pool with these volumes, in words. */
  #userOf(pool: Pool, volumes: readonly Volume[]): string | undefined {
    for (const [property, named] of this.#app.global.poolProperties())
      if (named === pool.name) return `the property ${property}`
    if ((this.#holds.get(pool) ?? 0) > 0) return 'a domain that is being made'
    const volume = volumes.find((one) => this.ownerOf(one)?.registered)
    return volume && `the volume ${volume.vid}`
  }

  /** Undoes the set-up of a pool; when that fails the intent stays, and the next start of the daemon tries again. */
  async #undoAdd(pool: Pool, intent: Intent, made: boolean): Promise<void> {
    try {
      await (made ? pool.discard() : pool.close())
      await this.#app.changes.make((unit) => this.#app.intents.end(unit, intent))
    } catch (error) {
      this.#app.log.error('the folder of a storage pool that could not be added is left until the next start', {
        pool: pool.name,
        error: errorChain(error),
      })
    }
  }

  #warn(pool: string): (text: string) => void {
    return (text) => this.#app.log.warn(text, { pool })
  }
}

/** @throws QubesValueError unless the text is an object of texts, as JSON */
function parsePoolConfig(text: string): Record<string, string> {
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch (cause) {
    throw new QubesValueError(msg`its stored options are not JSON`, { cause })
  }
  if (typeof config === 'object' && config && Object.values(config).every((value) => typeof value === 'string'))
    return config as Record<string, string>
  throw new QubesValueError(msg`its stored options are not an object of texts`)
}

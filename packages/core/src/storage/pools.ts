import { msg, QubesException, QubesPoolInUseError } from '@cloister/kit'
import { createPool, type Pool } from '@cloister/storage'
import type { App } from '../app.ts'
import type { ChangeUnit } from '../properties/property.ts'
import { poolVolumes } from './pool-volumes.ts'

/** The folder pool that a fresh system has, and the pool of kernels. */
export const systemPools = { volumes: 'varlibqubes', kernels: 'linux-kernel' } as const

/** Properties that name a pool. */
const poolProperties = ['default_pool', ...poolVolumes.map((volume) => `default_pool_${volume}`)]

/** The pools of the system, in the order in which they were added (reference: storage-and-lifecycle, A.12). */
export class Pools {
  readonly #app: App
  readonly #pools = new Map<string, Pool>()
  /** Where each pool stands in the order in which they were added. */
  readonly #positions = new Map<string, number>()

  constructor(app: App) {
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
    const name =
      this.#app.get<string | null>({ name: `default_pool_${volume}` }) ??
      this.#app.get<string | null>({ name: 'default_pool' })
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
        await this.#app.change((unit) => this.register(unit, pool))
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
    await this.#app.change((unit) => {
      this.#app.events.fire(unit, this.#app, 'pool-pre-delete', { pool })
      this.#forget(pool)
      unit.undo(() => this.#pools.set(name, pool))
      unit.delete('pools', [name])
      this.#app.events.fire(unit, this.#app, 'pool-delete', { pool })
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
    await this.#app.change((unit) => {
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
    this.#app.events.fire(unit, this.#app, 'pool-add', { pool })
  }

  #store(unit: ChangeUnit, pool: Pool): void {
    unit.put('pools', [pool.name], [this.#positions.get(pool.name) ?? 0, JSON.stringify(pool.config())])
  }

  #forget(pool: Pool): void {
    this.#pools.delete(pool.name)
  }

  /** Who keeps a pool from being removed. */
  async #userOf(pool: Pool): Promise<string | undefined> {
    const property = poolProperties.find((name) => this.#app.get({ name }) === pool.name)
    if (property !== undefined) return `the property ${property}`
    const volume = (await pool.listVolumes()).find((one) => this.#app.domains.ownerOf(one)?.registered)
    return volume && `the volume ${volume.vid}`
  }
}

import { errorChain, msg, QubesException, QubesVMError, StoragePoolException } from '@cloister/kit'
import type { Pool, Volume } from '@cloister/storage'
import type { ChangeUnit } from '../changes/change-unit.ts'
import type { StorageAncestor, StorageOwner } from './storage-owner.ts'
import { kernelVolume, type VolumeKind } from './volume-kinds.ts'
import { parseVolumeRecord, type VolumeRecord, volumeRecord } from './volume-record.ts'

/** Pools for the volumes of a new domain, in place of the default pools. */
export interface PoolChoice {
  /** The pool for every volume that is writable and not a snapshot. */
  readonly pool?: string
  /** The pool for single volumes, by the name of the volume. */
  readonly pools?: ReadonlyMap<string, string>
}

/** Identity of a volume, as it is stored. */
export interface VolumePlace {
  readonly pool: string
  readonly vid: string
}

/**
 * The volumes of one domain, and operations on all of them (reference: storage-and-lifecycle, A.2, A.3). The volumes are worked
 * on at the same time; when one fails, the others are awaited before its error is thrown.
 */
export class DomainStorage {
  readonly #owner: StorageOwner
  readonly #volumes = new Map<string, Volume>()

  constructor(owner: StorageOwner) {
    this.#owner = owner
  }

  /** All volumes in the order of the guest's disks, the kernel among them. */
  list(): Volume[] {
    return this.names().map((name) => this.get(name))
  }

  names(): string[] {
    const extra = [...this.#volumes.keys()].filter(
      (name) => !this.#owner.volumeKinds.some((kind) => kind.name === name),
    )
    return [...this.#owner.volumeKinds.map(({ name }) => name), kernelVolume, ...extra]
  }

  /** The volumes that are stored with the domain: all but the kernel. */
  stored(): Iterable<Volume> {
    return this.#volumes.values()
  }

  /** Pool and id of each stored volume, for an intent. */
  places(): VolumePlace[] {
    return [...this.#volumes.values()].map(({ pool, vid }) => ({ pool: pool.name, vid }))
  }

  /** @throws QubesException when the domain has no such volume, or its pool is missing */
  get(name: string): Volume {
    const volume = name === kernelVolume ? this.#kernel() : this.#volumes.get(name)
    if (volume) return volume
    if (!this.names().includes(name)) throw new QubesException(msg`${this.#owner.name} has no volume ${name}`)
    throw new StoragePoolException(
      msg`The volume ${name} of ${this.#owner.name} is in a pool that could not be opened: see the log`,
    )
  }

  /** Creates the volume objects of a new domain without touching the disk. */
  prepare(choice: PoolChoice = {}): void {
    if (choice.pools) this.#refuseUnknown(choice.pools)
    for (const kind of this.#owner.volumeKinds) {
      this.#take(kind.snapOnStart ? this.#snapshot(kind, choice) : this.#ownVolume(kind, choice))
    }
  }

  /** Loads a stored volume; the domain of its source must be loaded before. */
  load(record: VolumeRecord): void {
    const { pool: poolName, source, config } = parseVolumeRecord(record)
    const pool = this.#owner.app.pools.get(poolName)
    this.#take(pool.initVolume(source === undefined ? config : { ...config, source: pool.getVolume(source) }))
  }

  storeAll(unit: ChangeUnit): void {
    for (const name of this.#volumes.keys()) this.store(unit, name)
  }

  /** Stores the record of a volume. */
  store(unit: ChangeUnit, name: string): void {
    const volume = this.#volumes.get(name)
    if (volume) unit.put('volumes', [this.#owner.qid, name], [JSON.stringify(volumeRecord(volume))])
  }

  /** Forgets the volume objects of a domain whose creation failed before any volume was created. */
  forget(): void {
    for (const volume of this.#volumes.values()) volume.pool.forget(volume)
  }

  async create(): Promise<void> {
    await each(this.#volumes.values(), (volume) => volume.create())
  }

  async verify(): Promise<void> {
    await each(this.list(), (volume) => volume.verify())
  }

  /** @throws QubesVMError when a source keeps no state that a snapshot could be made of */
  async start(): Promise<void> {
    for (const { source } of this.#volumes.values()) {
      if (source?.revisionsToKeep === -1 && (await source.isDirty()))
        throw new QubesVMError(msg`Volume ${source.vid} is running`)
    }
    await each(this.list(), (volume) => volume.start())
  }

  /** Stops all volumes: each commits or discards its changes. Does nothing for volumes that were not started. */
  async stop(): Promise<void> {
    await each(this.list(), (volume) => volume.stop())
  }

  async remove(): Promise<void> {
    await each(this.#volumes.values(), async (volume) => {
      try {
        await volume.stop()
      } catch (error) {
        this.#owner.app.log.warn('a volume that is removed could not be stopped', {
          volume: volume.vid,
          error: errorChain(error),
        })
      }
      await volume.remove()
    })
  }

  /** Volumes whose source was committed since the domain started. */
  async outdated(): Promise<Volume[]> {
    if (this.#owner.isHalted) return []
    const all = this.list()
    const flags = await Promise.all(all.map((volume) => volume.isOutdated()))
    return all.filter((_, index) => flags[index])
  }

  /** Bases the snapshot volumes of a halted domain on the volumes of its new template. */
  rebase(unit: ChangeUnit): void {
    for (const kind of this.#owner.volumeKinds) {
      if (!kind.snapOnStart) continue
      const before = this.#volumes.get(kind.name)
      this.#take(this.#snapshot(kind, {}))
      // The pool has a new object under this name, so the roll-back creates another object from the old record.
      unit.onRollback(() => before && this.#take(before.pool.initVolume(before.config())))
      if (this.#owner.registered) this.store(unit, kind.name)
    }
  }

  #take(volume: Volume): void {
    this.#volumes.set(volume.name, volume)
    this.#owner.app.pools.setOwner(volume, this.#owner)
  }

  #kernel(): Volume {
    const vid = this.#owner.kernel ?? ''
    const config = { name: kernelVolume, vid, rw: false, snapOnStart: false, saveOnStop: false }
    return this.#owner.app.pools.default(kernelVolume).initVolume(config)
  }

  #refuseUnknown(pools: ReadonlyMap<string, string>): void {
    const known = this.names()
    for (const name of pools.keys()) {
      if (!known.includes(name)) throw new QubesException(msg`${this.#owner.name} has no volume ${name}`)
    }
  }

  #ownVolume(kind: VolumeKind, { pool, pools }: PoolChoice): Volume {
    const { app } = this.#owner
    const model = this.#model(kind)
    const chosen = pools?.get(kind.name) ?? pool
    const place: Pool = chosen === undefined ? (model?.pool ?? app.pools.default(kind.name)) : app.pools.get(chosen)
    const ephemeral = model?.ephemeral
    return place.initVolume({
      ...kind,
      owner: this.#folder,
      ...(model && { rw: model.rw }),
      ...(ephemeral !== undefined && { ephemeral }),
    })
  }

  #snapshot(kind: VolumeKind, { pools }: PoolChoice): Volume {
    const source = originOf(this.#owner.template, kind.name)
    if (!source) throw new QubesException(msg`The template of ${this.#owner.name} has no volume ${kind.name}`)
    if (pools?.has(kind.name)) {
      throw new QubesException(
        msg`Snapshot volume ${kind.name} must be in the same pool as its origin, ${source.pool.name}: no pool can be chosen for it`,
      )
    }
    const model = this.#model(kind)
    return source.pool.initVolume({
      ...kind,
      owner: this.#folder,
      source,
      ...(model && { rw: model.rw }),
    })
  }

  /** Copies the settings of the template's volume to the volume of a disposable. */
  #model(kind: VolumeKind): Volume | undefined {
    return this.#owner.hasVolumesLikeTemplate ? this.#owner.template?.storage?.get(kind.name) : undefined
  }

  get #folder(): string {
    return `${this.#owner.folder}/${this.#owner.name}`
  }
}

/** The source of a snapshot: the volume of the nearest template that is not a snapshot itself. */
function originOf(ancestor: StorageAncestor | undefined, name: string): Volume | undefined {
  for (let at = ancestor; at?.storage; at = at.template) {
    const volume = at.storage.get(name)
    if (!volume.source) return volume
  }
  return undefined
}

async function each(volumes: Iterable<Volume>, work: (volume: Volume) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled([...volumes].map(work))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

import { Mutex } from '@cloister/kit'

/**
 * The locks of a pool's volumes, by `vid`: two objects for the same volume share one. An operation holds the lock of the
 * volume that it changes. While it holds it, it may take that of one other volume, and only in this order: first a snapshot
 * or a volatile volume, then the origin that it begins from. An origin's operations never take a second lock (a copy from
 * another origin is announced to that one first, see `Volume.export`), so that no two operations wait for each other.
 */
export class VolumeLocks {
  readonly #locks = new Map<string, Mutex>()

  /** Runs `work` when no other operation holds the lock of that volume. */
  async run<T>(vid: string, work: () => Promise<T>): Promise<T> {
    const lock = this.#locks.get(vid) ?? new Mutex()
    this.#locks.set(vid, lock)
    try {
      return await lock.run(work)
    } finally {
      if (!lock.busy && this.#locks.get(vid) === lock) this.#locks.delete(vid)
    }
  }
}

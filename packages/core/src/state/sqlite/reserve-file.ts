import { Mutex } from '@cloister/kit'
import { type Os, removeDurably, removeIfPresent } from '@cloister/os'

/**
 * Size of the reserve, bytes: enough to move the longest log (768 KiB, `state-database.ts`) into the database file, also on a
 * file system that writes every change to a new place and frees the old one later (btrfs).
 */
const reserveSize = 4 << 20
/** The reserve is made only when at least this many bytes are free, so that it never fills the disk itself. */
const roomNeeded = 2n * BigInt(reserveSize)
/** How long the file system may take to free space, ms. */
const syncTimeoutMs = 30_000
/** Milliseconds between attempts. */
const retryMs = 1000

/**
 * A file that only takes up space. It is removed when the disk is full, so that there is room for the commit of a removal,
 * which frees more.
 */
export class ReserveFile {
  readonly #os: Os
  readonly #folder: string
  readonly #path: string
  readonly #turn = new Mutex()
  #present = false
  #nextAttempt = 0

  /** Touches no disk; the file is `name` in `folder`. */
  constructor(os: Os, folder: string, name: string) {
    this.#os = os
    this.#folder = folder
    this.#path = `${folder}/${name}`
  }

  /** Removes the reserve; false when there was none. */
  release(): Promise<boolean> {
    return this.#turn.run(async () => {
      if (!this.#present) return false
      this.#present = false
      this.#nextAttempt = this.#os.clock.monotonic() + retryMs
      await this.#remove()
      await this.writeBack()
      return true
    })
  }

  /** Where removing a name needs space itself, cutting the file frees some. */
  async #remove(): Promise<void> {
    const { files } = this.#os
    await removeDurably(files, this.#path).catch(() => files.truncate(this.#path, 0n).catch(() => {}))
  }

  /** Syncs the file system, because btrfs reuses freed space only after that. When this fails a commit may still succeed. */
  async writeBack(): Promise<void> {
    await this.#os.processes.run(['sync', '-f', this.#folder], { timeoutMs: syncTimeoutMs }).catch(() => {})
  }

  /**
   * Makes the file in the background, if it is missing, there is room, and the last attempt is more than a second ago. A
   * failure is no error: the next call tries again.
   */
  restore(): void {
    if (this.#present || this.#os.clock.monotonic() < this.#nextAttempt) return
    this.#nextAttempt = this.#os.clock.monotonic() + retryMs
    void this.#turn.run(() => this.#make())
  }

  /** Resolves when no work is under way in the background. */
  settled(): Promise<void> {
    return this.#turn.run(() => {})
  }

  async #make(): Promise<void> {
    const { files } = this.#os
    try {
      const found = await files.stat(this.#path)
      this.#present = found !== undefined && found.allocated >= reserveSize
      if (this.#present) return
      await removeIfPresent(files, this.#path)
      if ((await files.space(this.#folder)).free >= roomNeeded) await this.#fill()
    } catch {
      // A file that was left too small is made again at the next attempt.
    }
  }

  async #fill(): Promise<void> {
    const { files, host } = this.#os
    // Random bytes, because a file system may store zeroes in no space at all.
    await files.create(this.#path, { data: host.random(reserveSize) })
    await files.sync(this.#path)
    this.#present = true
  }
}

import { Mutex } from '@cloister/kit'
import { type Os, removeDurably, removeIfPresent } from '@cloister/os'

/** Bytes kept back: enough for the longest log (`state-database.ts`) to be moved into the database file. */
const reserveSize = 1 << 20
/** The reserve is made only where so many bytes are free, so that it never fills the disk itself. */
const roomNeeded = 2n * BigInt(reserveSize)
/** Milliseconds between attempts. */
const retryMs = 1000

/**
 * A file that does nothing but take up space, to be given back when the disk is full: then there is room to write down
 * that something is removed.
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

  /** Gives the space back; false when there was none, or it cannot be had. */
  release(): Promise<boolean> {
    return this.#turn.run(async () => {
      if (!this.#present) return false
      this.#present = false
      this.#nextAttempt = this.#os.clock.monotonic() + retryMs
      return removeDurably(this.#os.files, this.#path).then(
        () => true,
        () => false,
      )
    })
  }

  /**
   * Makes the file in the background if it is missing, there is room, and the last attempt was a while ago. A failure is no
   * error: the next call tries again.
   */
  restore(): void {
    if (this.#present || this.#os.clock.monotonic() < this.#nextAttempt) return
    this.#nextAttempt = this.#os.clock.monotonic() + retryMs
    void this.#turn.run(() => this.#make())
  }

  /** Resolves when nothing is done in the background. */
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
      // What there is of the file is found too small, and made anew, at the next attempt.
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

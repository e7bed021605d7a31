import { errorText } from '@cloister/kit'
import { errorCode, type Os, type Timer } from '@cloister/os'
import type { DriverEnvironment } from '../../driver-environment.ts'

/** How often logs are looked at while none of them grows fast, and while one does, ms. */
const look = { calmMs: 10_000, hastyMs: 1000 } as const
/** A log that is longer is emptied, bytes. A log that has become half as long since the last look grows fast. */
export const longestLog: bigint = 4n << 20n
/** An emptied log is told of at most this often, ms: a guest may fill its log as fast as the disk takes it. */
const tellMs = 600_000

/**
 * Keeps logs from filling the disk: a guest writes to its serial port, and makes QEMU complain, as much as it likes. QEMU
 * appends to the logs, so they can be emptied at any time.
 */
export class LogKeeper {
  readonly #os: Os
  readonly #log: NonNullable<DriverEnvironment['log']>
  readonly #paths: () => readonly string[]
  /** Length of each log when it was looked at, bytes. */
  #sizes = new Map<string, bigint>()
  /** When the emptying of each log was told of, by the monotonic clock. */
  #told = new Map<string, number>()
  #timer: Timer | undefined
  #isClosed = false

  /** @param paths the logs that are being written now */
  constructor(os: Os, log: NonNullable<DriverEnvironment['log']>, paths: () => readonly string[]) {
    this.#os = os
    this.#log = log
    this.#paths = paths
    this.#wait(look.calmMs)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  /** Looks at all logs now; returns whether one of them grows fast. */
  async look(): Promise<boolean> {
    const sizes = new Map<string, bigint>()
    let isFast = false
    for (const path of this.#paths()) {
      const size = await this.#shorten(path)
      isFast ||= size - (this.#sizes.get(path) ?? 0n) > longestLog / 2n
      sizes.set(path, size > longestLog ? 0n : size)
    }
    this.#sizes = sizes
    this.#told = new Map([...this.#told].filter(([path]) => sizes.has(path)))
    return isFast
  }

  /** Empties a log that is too long; returns the length that it had, 0 when there is no log. */
  async #shorten(path: string): Promise<bigint> {
    try {
      const size = (await this.#os.files.stat(path))?.size ?? 0n
      if (size <= longestLog) return size
      await this.#os.files.truncate(path, 0n)
      this.#tell(path, size)
      return size
    } catch (error) {
      if (errorCode(error) !== 'ENOENT')
        this.#log('error', 'a log cannot be kept short', { path, error: errorText(error) })
      return 0n
    }
  }

  #tell(path: string, size: bigint): void {
    const now = this.#os.clock.monotonic()
    if (now - (this.#told.get(path) ?? Number.NEGATIVE_INFINITY) < tellMs) return
    this.#told.set(path, now)
    const minutes = tellMs / 60_000
    const text = `a log was emptied, as it had become too long; not told again for this log for ${minutes} minutes`
    this.#log('info', text, { path, size: `${size}` })
  }

  #wait(ms: number): void {
    if (this.#isClosed) return
    this.#timer = this.#os.clock.after(ms, () => {
      void this.look().then((isFast) => this.#wait(isFast ? look.hastyMs : look.calmMs))
    })
  }
}

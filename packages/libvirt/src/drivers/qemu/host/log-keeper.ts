import { errorText } from '@cloister/kit'
import { errorCode, type Os, type Timer } from '@cloister/os'
import type { DriverEnvironment } from '../../driver-environment.ts'

/** Logs are looked at this often, ms; in between a guest can write a few MiB. */
const lookMs = 10_000
/** A log that is longer is emptied, bytes. */
export const longestLog: bigint = 4n << 20n

/**
 * Keeps logs from filling the disk: what a guest writes to its serial port, or makes QEMU complain about, is as much as it
 * likes. QEMU appends to them, so they can be emptied at any time.
 */
export class LogKeeper {
  readonly #os: Os
  readonly #log: NonNullable<DriverEnvironment['log']>
  readonly #paths: () => readonly string[]
  #timer: Timer | undefined

  /** @param paths the logs that are being written now */
  constructor(os: Os, log: NonNullable<DriverEnvironment['log']>, paths: () => readonly string[]) {
    this.#os = os
    this.#log = log
    this.#paths = paths
    this.#wait()
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Looks at all logs now. */
  async look(): Promise<void> {
    for (const path of this.#paths()) {
      try {
        const size = (await this.#os.files.stat(path))?.size ?? 0n
        if (size <= longestLog) continue
        await this.#os.files.truncate(path, 0n)
        this.#log('info', 'a log was emptied, as it had become too long', { path, size: `${size}` })
      } catch (error) {
        if (errorCode(error) !== 'ENOENT')
          this.#log('error', 'a log cannot be kept short', { path, error: errorText(error) })
      }
    }
  }

  #wait(): void {
    this.#timer = this.#os.clock.after(lookMs, () => {
      void this.look().then(() => this.#timer && this.#wait())
    })
  }
}

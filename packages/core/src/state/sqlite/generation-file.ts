import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'

/** Every text has the same length, so that a newer one covers the older one completely. */
const digits = 16
const longestText = 64

/**
 * The number of the last commit that was acknowledged, in a small file beside the database. The file is written after each
 * commit and never synced, so it may lag behind the database but is never ahead of it. A database that holds fewer commits
 * than this file says has lost some: its write-ahead log was removed, cut or damaged.
 *
 * Used by the database's thread alone, hence synchronous. No failure matters: a missing number only shows less damage.
 */
export class GenerationFile {
  readonly #path: string
  #file: number | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** The number; undefined when there is none, or none that can be read. */
  read(): number | undefined {
    try {
      return parseGeneration(readFileSync(this.#path, 'latin1').slice(0, longestText))
    } catch {
      return undefined
    }
  }

  write(generation: number): void {
    try {
      this.#file ??= openSync(this.#path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
      writeSync(this.#file, generationText(generation), 0, 'latin1')
    } catch {
      // The disk is full or failing: the next commit that succeeds writes a newer number.
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }
}

/** Number and checksum of the number: `0000000000000042 deadbeef`. */
export function generationText(generation: number): string {
  const text = String(generation).padStart(digits, '0')
  return `${text} ${crc32(text).toString(16).padStart(8, '0')}\n`
}

/** The number in a text that `generationText` has made; undefined for every other text. */
export function parseGeneration(text: string): number | undefined {
  const generation = Number(/^\d{16}/.exec(text)?.[0] ?? Number.NaN)
  return text === generationText(generation) ? generation : undefined
}

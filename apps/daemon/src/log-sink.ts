import type { Clock } from '@cloister/os'

/** Bytes that may wait to be written: a few thousand lines. */
const longestQueue = 1 << 20
/** Most bytes of one write. */
const chunkSize = 64 << 10
/** How long after a failure the next write is tried, ms. */
const retryMs = 500
/** How long the end of the daemon waits for the log, ms. */
const flushMs = 1000

/** Where the log goes: writes the first bytes of a chunk and resolves with their number. */
export interface LogWriter {
  write(chunk: Uint8Array): Promise<number>
}

/**
 * The lines of the log on their way out. Adding a line never waits and never fails: lines for which there is no room, because
 * the disk is full or the reader of the log is gone or does not read, are dropped. A line says how many these were once a line
 * can be written again.
 */
export class LogSink {
  readonly #writer: LogWriter
  readonly #clock: Clock
  /** Makes the line that says how many lines were dropped. */
  readonly #droppedLine: (count: number) => string
  #queue: Uint8Array[] = []
  #queued = 0
  #dropped = 0
  #running = false
  #idle = Promise.withResolvers<void>()

  constructor(writer: LogWriter, clock: Clock, droppedLine: (count: number) => string) {
    this.#writer = writer
    this.#clock = clock
    this.#droppedLine = droppedLine
  }

  /** Adds a line, with its line end. */
  write(line: string): void {
    const bytes = new TextEncoder().encode(line)
    if (this.#queued + bytes.length > longestQueue) this.#dropped++
    else this.#add(bytes)
    if (!this.#running) void this.#run()
  }

  /** Resolves when all lines are written, or after a second. */
  async flush(): Promise<void> {
    if (!this.#running) return
    const late = Promise.withResolvers<void>()
    const timer = this.#clock.after(flushMs, late.resolve)
    await Promise.race([this.#idle.promise, late.promise])
    timer.cancel()
  }

  #add(bytes: Uint8Array): void {
    this.#queue.push(bytes)
    this.#queued += bytes.length
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#queue.length > 0) {
      await this.#writeWhole(this.#nextChunk())
      if (this.#queue.length === 0 && this.#dropped > 0) this.#tellDropped()
    }
    this.#running = false
    this.#idle.resolve()
    this.#idle = Promise.withResolvers()
  }

  /** Several lines at once, so that a flood of lines takes few writes. */
  #nextChunk(): Uint8Array {
    let size = 0
    let count = 0
    for (const line of this.#queue) {
      if (count > 0 && size + line.length > chunkSize) break
      size += line.length
      count++
    }
    this.#queued -= size
    return Buffer.concat(this.#queue.splice(0, count))
  }

  /** Writes a chunk to its end: half a line would spoil the next one. Meanwhile lines wait, up to the limit. */
  async #writeWhole(chunk: Uint8Array): Promise<void> {
    let rest = chunk
    while (rest.length > 0) {
      try {
        rest = rest.subarray(await this.#writer.write(rest))
      } catch {
        // The failure cannot be logged; the number of lines that are dropped meanwhile is.
        await this.#clock.sleep(retryMs)
      }
    }
  }

  #tellDropped(): void {
    const count = this.#dropped
    this.#dropped = 0
    this.#add(new TextEncoder().encode(this.#droppedLine(count)))
  }
}

import { utf8Text } from '@cloister/kit'

const newline = 0x0a

/** Cuts a stream of bytes into lines. No byte is copied more than once, however small the pieces are. */
export class LineSplitter {
  /** Longest line that is accepted, bytes. */
  limit: number
  #pieces: Uint8Array[] = []
  #length = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /**
   * The lines that `chunk` completes, without their ends.
   * @throws RangeError when a line is too long, TypeError when it is not UTF-8
   */
  *split(chunk: Uint8Array): Generator<string> {
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#add(chunk.subarray(start, end))
      yield this.#take()
      start = end + 1
    }
    this.#add(chunk.subarray(start))
  }

  #add(piece: Uint8Array): void {
    this.#length += piece.length
    if (this.#length > this.limit) throw new RangeError(`a line is longer than ${this.limit} bytes`)
    if (piece.length > 0) this.#pieces.push(piece)
  }

  #take(): string {
    const text = utf8Text(Buffer.concat(this.#pieces))
    if (text === undefined) throw new TypeError('a line is not UTF-8')
    this.#pieces = []
    this.#length = 0
    return text
  }
}

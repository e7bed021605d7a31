/** Collects bytes that arrive in pieces. It uses at most twice the memory of the bytes, however small the pieces are. */
export class ByteCollector {
  #space: Uint8Array = new Uint8Array()
  #length = 0

  get length(): number {
    return this.#length
  }

  push(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length
    if (needed > this.#space.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#length))
      larger.set(this.#space.subarray(0, this.#length))
      this.#space = larger
    }
    this.#space.set(bytes, this.#length)
    this.#length = needed
  }

  /** Returns all bytes that were collected, and is empty again. */
  take(): Uint8Array {
    const taken = this.#space.subarray(0, this.#length)
    this.#space = new Uint8Array()
    this.#length = 0
    return taken
  }
}

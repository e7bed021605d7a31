/** Numbers that are the same for the same seed (SplitMix32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** A whole number from 0 up, below `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let mixed = this.#state ^ (this.#state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) % end
  }

  /** One of the items, of which there must be at least one. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
}

const blockSize = 4096
const zeroes: Uint8Array = new Uint8Array(blockSize)

/** The content of a modelled file: blocks that were written, holes elsewhere. Copies share blocks, which never change. */
export class SparseContent {
  #size: bigint
  readonly #blocks: Map<number, Uint8Array>

  constructor(size = 0n, blocks: ReadonlyMap<number, Uint8Array> = new Map()) {
    this.#size = size
    this.#blocks = new Map(blocks)
  }

  get size(): bigint {
    return this.#size
  }

  get allocated(): bigint {
    return BigInt(this.#blocks.size * blockSize)
  }

  clone(): SparseContent {
    return new SparseContent(this.#size, this.#blocks)
  }

  /** A copy with holes in place of blocks of zeroes. */
  cloneSparse(): SparseContent {
    const filled = [...this.#blocks].filter(([, block]) => block.some((byte) => byte !== 0))
    return new SparseContent(this.#size, new Map(filled))
  }

  write(bytes: Uint8Array, position: bigint): void {
    const end = Number(position) + bytes.length
    for (let at = Number(position); at < end; ) {
      const [index, offset] = [Math.floor(at / blockSize), at % blockSize]
      const block = Uint8Array.from(this.#blocks.get(index) ?? zeroes)
      const from = at - Number(position)
      const part = bytes.subarray(from, from + blockSize - offset)
      block.set(part, offset)
      this.#blocks.set(index, block)
      at += part.length
    }
    if (BigInt(end) > this.#size) this.#size = BigInt(end)
  }

  truncate(size: bigint): void {
    const [last, offset] = [Math.floor(Number(size) / blockSize), Number(size) % blockSize]
    for (const index of this.#blocks.keys()) {
      if (index > last || (index === last && offset === 0)) this.#blocks.delete(index)
    }
    const tail = this.#blocks.get(last)
    if (tail) this.#blocks.set(last, Uint8Array.from(tail).fill(0, offset))
    this.#size = size
  }

  /** Up to `length` bytes from `position` on. */
  read(position: bigint, length: number): Uint8Array {
    const start = Number(position)
    const bytes = new Uint8Array(Math.max(0, Math.min(length, Number(this.#size) - start)))
    for (let at = 0; at < bytes.length; ) {
      const [index, offset] = [Math.floor((start + at) / blockSize), (start + at) % blockSize]
      const part = (this.#blocks.get(index) ?? zeroes).subarray(offset, offset + bytes.length - at)
      bytes.set(part, at)
      at += part.length
    }
    return bytes
  }

  /** A state that a power loss may leave: each block is either that of `saved` or the present one. */
  survivors(saved: SparseContent, survives: () => boolean): SparseContent {
    const size = survives() ? this.#size : saved.#size
    const mixed = new SparseContent(size)
    for (const index of new Set([...this.#blocks.keys(), ...saved.#blocks.keys()])) {
      const block = (survives() ? this : saved).#blocks.get(index)
      if (block) mixed.#blocks.set(index, block)
    }
    mixed.truncate(size)
    return mixed
  }
}

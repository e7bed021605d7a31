/** Lets one holder in at a time, first come, first served. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** True while somebody holds or waits. */
  get busy(): boolean {
    return this.#waiting > 0
  }

  /** Runs `work` when everybody before is done, whether they succeeded or not. */
  async run<T>(work: () => Promise<T> | T): Promise<T> {
    const before = this.#tail
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#tail = promise
    this.#waiting++
    try {
      await before
      return await work()
    } finally {
      this.#waiting--
      resolve()
    }
  }
}

/** Lets at most `limit` holders in at a time. */
export class Semaphore {
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(limit: number) {
    this.#free = limit
  }

  async run<T>(work: () => Promise<T> | T): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#queue.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#queue.shift()
      if (next) next()
      else this.#free++
    }
  }
}

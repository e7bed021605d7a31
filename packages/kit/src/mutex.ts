/** Runs one piece of work at a time, in the order in which they were given. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** True while the mutex is held, or waited for. */
  get busy(): boolean {
    return this.#waiting > 0
  }

  /** Runs `work` after all work that was given earlier has ended, in success or failure. */
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

/** Runs at most `limit` pieces of work at a time, in the order in which they were given. */
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

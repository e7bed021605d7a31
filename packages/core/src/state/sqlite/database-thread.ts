import { Worker } from 'node:worker_threads'
import type { Failure } from './failure.ts'
import type { Answer, Request, ThreadData } from './thread-messages.ts'

/** The program of the thread: TypeScript when this module is, else the built JavaScript. */
const program = new URL(import.meta.url.endsWith('.ts') ? './state-worker.ts' : './state-worker.js', import.meta.url)

/** A request to the thread failed, or the thread has ended. */
export class ThreadError extends Error {
  readonly failure: Failure

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.detail, options)
    this.failure = failure
  }
}

/** The thread that has the database open, as the main thread sees it: a queue of requests. Errors are ThreadError. */
export class DatabaseThread {
  readonly #worker: Worker
  readonly #waiting: PromiseWithResolvers<unknown>[] = []
  readonly #ended = Promise.withResolvers<void>()
  #death: ThreadError | undefined

  private constructor(data: ThreadData) {
    this.#worker = new Worker(program, { workerData: data, name: 'state' })
    this.#worker.on('message', (answer: Answer) => this.#answered(answer))
    this.#worker.on('error', (cause) => this.#died(cause))
    this.#worker.on('exit', (code) => {
      this.#died(new Error(`exit code ${code}`))
      this.#ended.resolve()
    })
  }

  /** Starts the thread, which takes the lock on the database. */
  static async start(data: ThreadData): Promise<DatabaseThread> {
    const thread = new DatabaseThread(data)
    await thread.#nextAnswer()
    return thread
  }

  ask(request: Request): Promise<unknown> {
    if (this.#death) return Promise.reject(this.#death)
    this.#worker.postMessage(request)
    return this.#nextAnswer()
  }

  /** Closes the database and ends the thread. */
  async close(): Promise<void> {
    if (this.#death) return
    try {
      await this.ask({ kind: 'close' })
    } finally {
      await this.#ended.promise
    }
  }

  #nextAnswer(): Promise<unknown> {
    const waiter = Promise.withResolvers<unknown>()
    this.#waiting.push(waiter)
    return waiter.promise
  }

  #answered(answer: Answer): void {
    const waiter = this.#waiting.shift()
    if ('failure' in answer) waiter?.reject(new ThreadError(answer.failure))
    else waiter?.resolve(answer.value)
  }

  #died(cause: unknown): void {
    const failure: Failure = { reason: 'closed', detail: `the thread of the database ended: ${cause}`, lasting: true }
    this.#death ??= new ThreadError(failure, { cause })
    for (const waiter of this.#waiting.splice(0)) waiter.reject(this.#death)
  }
}

import { Worker } from 'node:worker_threads'
import type { LockAnswer, LockRequest } from './folder-lock-worker.ts'

/** The program of the thread: source beside source, built beside built. */
const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const program = new URL(`./folder-lock-worker.${suffix}`, import.meta.url)

/** The file is locked by another. */
export class LockedError extends Error {}

/** The lock's file cannot be opened or locked. */
export class LockFailedError extends Error {}

/**
 * The thread that holds the locks of this process, from outside. It starts with the first question, and keeps the process alive
 * only while a question is open.
 */
export class LockThread {
  #worker: Worker | undefined
  readonly #open = new Map<number, PromiseWithResolvers<void>>()
  readonly #held = new Set<number>()
  #last = 0

  /** Locks a file, which may be missing; returns the number to release it by. @throws LockedError, LockFailedError */
  async take(path: string): Promise<number> {
    const id = ++this.#last
    this.#held.add(id)
    try {
      await this.#ask({ id, take: path })
      return id
    } catch (error) {
      this.#held.delete(id)
      throw error
    }
  }

  async release(lock: number): Promise<void> {
    if (!this.#held.has(lock)) return
    await this.#ask({ id: ++this.#last, release: lock })
    this.#held.delete(lock)
  }

  #ask(request: LockRequest): Promise<void> {
    this.#worker ??= this.#start()
    const answer = Promise.withResolvers<void>()
    this.#open.set(request.id, answer)
    this.#worker.ref()
    this.#worker.postMessage(request)
    return answer.promise
  }

  #start(): Worker {
    const worker = new Worker(program, { name: 'locks' })
    worker.on('message', (answer: LockAnswer) => this.#answered(answer))
    worker.on('error', (error) => this.#died(worker, error))
    worker.on('exit', () => this.#died(worker, new Error('its thread has ended')))
    return worker
  }

  #answered({ id, failure }: LockAnswer): void {
    const answer = this.#open.get(id)
    this.#open.delete(id)
    if (this.#open.size === 0) this.#worker?.unref()
    if (failure === undefined) answer?.resolve()
    else answer?.reject(failure === 'busy' ? new LockedError() : new LockFailedError(failure.text))
  }

  #died(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#held.clear()
    for (const answer of this.#open.values()) answer.reject(new LockFailedError('the thread of locks ended', { cause }))
    this.#open.clear()
  }
}

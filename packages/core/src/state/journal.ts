import { errorText, msg } from '@cloister/kit'
import { mergeChanges } from './merge-changes.ts'
import type { StateStore } from './state-store.ts'
import { StateWriteError } from './state-write-error.ts'
import { type Inverse, Unit, type UnitJournal, type Work } from './unit.ts'

export type { Unit } from './unit.ts'

export interface JournalOptions {
  /**
   * Memory can no longer be trusted, because an inverse threw or the store failed for good: the daemon must stop and recover
   * from disk. Called once; the journal refuses everything from then on.
   */
  readonly onFatal: (error: StateWriteError) => void
  /** Called with what a listener of events threw, for the log; the journal keeps working. */
  readonly onListenerError: (thrown: unknown) => void
}

/** A unit that was committed by its caller and waits for its turn, or an event that was published. */
interface Finished<E> {
  readonly work: Work<E>
  readonly waiter: PromiseWithResolvers<void> | undefined
}

/**
 * Makes units of work durable, in the order in which they are committed, and sends their events in the same order, each when
 * every unit before it is durable. All units that are committed while a transaction is under way share the next one.
 *
 * A commit that fails is undone: the inverses of every unit that is not durable, open ones among them, run in reverse of the
 * order in which they were registered; their events are dropped and their waiters get a StateWriteError. Finished units that
 * changed nothing (`publish`) only keep their place: their events tell what did happen, and leave after the undoing.
 */
export class Journal<E> {
  readonly #store: StateStore
  readonly #options: JournalOptions
  readonly #listeners = new Set<(event: E) => void>()
  readonly #open = new Set<Work<E>>()
  #queue: Finished<E>[] = []
  #inFlight: Finished<E>[] = []
  #running = false
  #idle: PromiseWithResolvers<void> | undefined
  #fatal: StateWriteError | undefined
  #order = 0
  readonly #unitSide: UnitJournal<E> = {
    nextOrder: () => this.#order++,
    finish: (work) => this.#finish(work),
    abandon: (work, reason) => this.#abandon(work, reason),
  }

  constructor(store: StateStore, options: JournalOptions) {
    this.#store = store
    this.#options = options
  }

  /** Opens a unit of work. @throws StateWriteError after a fatal error */
  begin(): Unit<E> {
    if (this.#fatal) throw this.#fatal
    const work = newWork<E>([])
    this.#open.add(work)
    return new Unit(this.#unitSide, work)
  }

  /** Sends an event that belongs to no unit, after those of all units committed before. Dropped after a fatal error. */
  publish(event: E): void {
    if (!this.#fatal) this.#enqueue({ work: newWork([event]), waiter: undefined })
  }

  /** Calls `listener` for every event that is sent, until the returned function is called. */
  onEvent(listener: (event: E) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Resolves when every finished unit is durable or undone; open ones do not count. */
  async idle(): Promise<void> {
    if (!this.#running) return
    this.#idle ??= Promise.withResolvers<void>()
    return this.#idle.promise
  }

  #finish(work: Work<E>): Promise<void> {
    this.#open.delete(work)
    work.over = 'committed'
    const waiter = Promise.withResolvers<void>()
    this.#enqueue({ work, waiter })
    return waiter.promise
  }

  #abandon(work: Work<E>, reason: unknown): void {
    this.#open.delete(work)
    work.over = new Error('the unit of work was rolled back', { cause: reason })
    try {
      runInverses([work])
    } catch (thrown) {
      this.#stop(thrown)
    }
  }

  #enqueue(finished: Finished<E>): void {
    this.#queue.push(finished)
    if (this.#running) return
    this.#running = true
    queueMicrotask(() => this.#run())
  }

  /** Commits all queued units, batch after batch, until the queue is empty. */
  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      this.#inFlight = this.#queue
      this.#queue = []
      await this.#commit()
    }
    this.#running = false
    this.#idle?.resolve()
    this.#idle = undefined
  }

  async #commit(): Promise<void> {
    const changes = mergeChanges(this.#inFlight.map(({ work }) => work.changes))
    try {
      if (changes.length > 0) await this.#store.commit(changes)
    } catch (cause) {
      this.#undo(cause)
    }
    const durable = this.#inFlight
    this.#inFlight = []
    for (const { work, waiter } of durable) {
      for (const event of work.events) this.#tell(event)
      waiter?.resolve()
    }
  }

  #tell(event: E): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (thrown) {
        this.#options.onListenerError(thrown)
      }
    }
  }

  /** Goes back to the last durable state. */
  #undo(cause: unknown): void {
    if (this.#fatal) return
    const finished = [...this.#inFlight, ...this.#queue]
    const open = [...this.#open]
    const error = new StateWriteError(msg`The state could not be written, nothing was changed: ${errorText(cause)}`, {
      cause,
    })
    try {
      runInverses([...finished.map(({ work }) => work), ...open])
    } catch (thrown) {
      this.#stop(thrown)
      return
    }
    this.#refuse(error, finished.filter(changesSomething))
    this.#inFlight = []
    this.#queue = finished.filter((one) => !changesSomething(one))
    if (this.#store.failed) this.#stop(this.#store.failed)
  }

  /** Stops for good: memory differs from what is on disk, and cannot be made equal to it. */
  #stop(cause: unknown): void {
    if (this.#fatal) return
    this.#fatal = new StateWriteError(msg`The state in memory cannot be trusted any more: ${errorText(cause)}`, {
      cause,
    })
    this.#refuse(this.#fatal, [...this.#inFlight, ...this.#queue])
    this.#inFlight = []
    this.#queue = []
    this.#options.onFatal(this.#fatal)
  }

  /** Rejects the promises of all committed units, and closes all open units. */
  #refuse(error: StateWriteError, finished: readonly Finished<E>[]): void {
    for (const { waiter } of finished) waiter?.reject(error)
    for (const work of this.#open) work.over = error
    this.#open.clear()
  }
}

function newWork<E>(events: E[]): Work<E> {
  return { changes: [], inverses: [], events, over: undefined }
}

function changesSomething({ work }: Finished<unknown>): boolean {
  return work.changes.length > 0 || work.inverses.length > 0
}

/** Undoes all that the units did in memory, the last change first. */
function runInverses(works: readonly Work<unknown>[]): void {
  const inverses: Inverse[] = works.flatMap((work) => work.inverses)
  for (const { run } of inverses.sort((a, b) => b.order - a.order)) run()
}

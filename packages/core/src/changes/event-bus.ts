import type { Journal, Unit } from '../state/journal.ts'
import type { CoreEvent } from './core-event.ts'
import { eventPairs } from './event-text.ts'

/** What an event is fired on: a domain, or the system as a whole. */
export interface Subject {
  /** The subject that subscribers see; undefined while the object is not part of the system. */
  readonly eventSubject: Pick<CoreEvent, 'domain'> | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: the only way to say "any constructor, abstract or not"
type SubjectClass<S> = abstract new (...args: any[]) => S

/** Reacts to an event of a change; throws to veto a `-pre-` event. */
export type ChangeHandler<S, E> = (subject: S, event: E, unit: Unit<CoreEvent>) => void
/** Reacts to a step in the life of an object; the step waits for it. */
export type LifeHandler<S, E> = (subject: S, event: E) => void | Promise<void>

/** The part of a bus that fires events of changes; `C` maps names of events to their arguments. */
export interface Fires<C> {
  /** Fires an event of a change. @throws what a handler throws; then the caller must not continue the change */
  fire<T extends keyof C & string>(
    unit: Unit<CoreEvent>,
    subject: Subject,
    name: T,
    event: C[T] & object,
    variant?: string,
  ): void
}

interface Registration {
  readonly klass: SubjectClass<Subject>
  readonly depth: number
  // Stored untyped: `on` and `onLife` check the pairing of name, subject and arguments.
  readonly handler: (subject: never, event: never, unit: Unit<CoreEvent>) => unknown
}

const vetoable = /-pre-/

/**
 * Typed events inside the daemon: `C` maps the names of events of changes to their arguments, `L` those of the life cycle.
 * Handlers belong to a class: for an ordinary event those of base classes run first, for a `-pre-` event those of the most
 * derived class (reference: storage-and-lifecycle, B.3). Subscribers outside learn of a change through the journal, when the
 * change is durable: of a `-pre-` event before its handlers, of others after them.
 */
export class EventBus<C, L> implements Fires<C> {
  readonly #journal: Journal<CoreEvent>
  readonly #handlers = new Map<string, Registration[]>()
  /** The handlers of a class for an event, in order, by constructor and event; emptied when a handler is added. */
  readonly #found = new Map<unknown, Map<string, readonly Registration[]>>()
  /** `-pre-` events of units under way. */
  readonly #asked = new WeakMap<Unit<CoreEvent>, CoreEvent[]>()

  constructor(journal: Journal<CoreEvent>) {
    this.#journal = journal
  }

  /** Calls `handler` for a change to an object of `klass`; if `variant` is given, only for that property or feature. */
  on<S extends Subject, T extends keyof C & string>(
    klass: SubjectClass<S>,
    name: T,
    handler: ChangeHandler<S, C[T]>,
    variant?: string,
  ): void {
    this.#register(klass, variant === undefined ? name : `${name}:${variant}`, handler)
  }

  /** Calls `handler` for a step in the life of an object of `klass`. */
  onLife<S extends Subject, T extends keyof L & string>(
    klass: SubjectClass<S>,
    name: T,
    handler: LifeHandler<S, L[T]>,
  ): void {
    this.#register(klass, name, handler)
  }

  fire<T extends keyof C & string>(
    unit: Unit<CoreEvent>,
    subject: Subject,
    name: T,
    event: C[T] & object,
    variant?: string,
  ): void {
    const pre = vetoable.test(name)
    const full = variant === undefined ? name : `${name}:${variant}`
    const show = (): void => {
      const seen = subject.eventSubject
      if (!seen) return
      const shown = { ...seen, name: full, pairs: eventPairs(event) }
      unit.emit(shown)
      if (pre) this.#noteAsked(unit, shown)
    }
    if (pre) show()
    for (const { handler } of this.#of(subject, name, full, pre)) handler(subject as never, event as never, unit)
    if (!pre) show()
  }

  /** Sends subscribers the `-pre-` events of a unit that was refused. */
  tellAsked(unit: Unit<CoreEvent>): void {
    for (const event of this.#asked.get(unit) ?? []) this.#journal.publish(event)
  }

  /** Fires an event of the life cycle, at once for subscribers, and waits for all handlers in turn. */
  async fireLife<T extends keyof L & string>(subject: Subject, name: T, event: L[T] & object): Promise<void> {
    const seen = subject.eventSubject
    if (seen) this.#journal.publish({ ...seen, name, pairs: eventPairs(event) })
    for (const { handler } of this.#of(subject, name, name, vetoable.test(name))) {
      await (handler as LifeHandler<Subject, L[T]>)(subject, event)
    }
  }

  /** Sends an event about a removed domain to the subscribers of that one domain. */
  tellAfterRemoval<T extends keyof C & string>(domain: string, name: T, event: C[T] & object): void {
    this.#journal.publish({ domain, name, pairs: eventPairs(event), afterRemoval: true })
  }

  /** Tells subscribers that computed properties of `subject` have new values. */
  announceReset(subject: Subject, ...names: readonly string[]): void {
    const seen = subject.eventSubject
    if (!seen) return
    for (const name of names)
      this.#journal.publish({ ...seen, name: `property-reset:${name}`, pairs: [['name', name]] })
  }

  #noteAsked(unit: Unit<CoreEvent>, event: CoreEvent): void {
    const asked = this.#asked.get(unit)
    if (asked) asked.push(event)
    else this.#asked.set(unit, [event])
  }

  #register(klass: SubjectClass<Subject>, key: string, handler: Registration['handler']): void {
    let depth = 0
    for (let at: unknown = klass.prototype; at; at = Object.getPrototypeOf(at)) depth++
    const list = this.#handlers.get(key) ?? []
    list.push({ klass, depth, handler })
    list.sort((a, b) => a.depth - b.depth)
    this.#handlers.set(key, list)
    this.#found.clear()
  }

  /** The handlers of an event, in the order in which they run; looked up once a class and name. */
  #of(subject: Subject, name: string, full: string, pre: boolean): readonly Registration[] {
    // Features can have any name: only variants with handlers of their own get an entry, so that the map stays small.
    const key = this.#handlers.has(full) ? full : name
    const byName = this.#found.get(subject.constructor) ?? new Map<string, readonly Registration[]>()
    this.#found.set(subject.constructor, byName)
    const found = byName.get(key) ?? this.#find(subject, name, key, pre)
    byName.set(key, found)
    return found
  }

  #find(subject: Subject, name: string, key: string, pre: boolean): Registration[] {
    const all = this.#handlers.get(name) ?? []
    const own = key === name ? [] : (this.#handlers.get(key) ?? [])
    return [...all, ...own]
      .filter(({ klass }) => subject instanceof klass)
      .sort((a, b) => (pre ? b.depth - a.depth : a.depth - b.depth))
  }
}

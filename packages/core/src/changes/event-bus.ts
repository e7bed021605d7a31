import type { ChangeEventName, ChangeEvents, CoreEvent, LifeEventName, LifeEvents } from '../domains/domain-events.ts'
import type { Journal, Unit } from '../state/journal.ts'
import { eventPairs } from './event-text.ts'

/** What an event is fired on: a domain, or the global object. */
export interface Subject {
  /** What subscribers see as subject; undefined while the object is not (or no longer) part of the system. */
  readonly eventSubject: Pick<CoreEvent, 'domain'> | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: the only way to say "any constructor, abstract or not"
type SubjectClass<S> = abstract new (...args: any[]) => S

export type ChangeHandler<S, T extends ChangeEventName> = (
  subject: S,
  event: ChangeEvents[T],
  unit: Unit<CoreEvent>,
) => void
export type LifeHandler<S, T extends LifeEventName> = (subject: S, event: LifeEvents[T]) => void | Promise<void>

interface Registration {
  readonly klass: SubjectClass<Subject>
  readonly depth: number
  // Stored untyped: `on` and `onLife` check the pairing of name, subject and arguments.
  readonly handler: (subject: never, event: never, unit: Unit<CoreEvent>) => unknown
}

const vetoable = /-pre-/

/**
 * Typed events inside the daemon. Handlers belong to a class: for an ordinary event those of base classes run first, for a
 * `-pre-` event those of the most derived class (reference: storage-and-lifecycle, B.3). Subscribers outside learn of a
 * change through the journal, when it is durable: of a `-pre-` event before its handlers, of others after them.
 */
export class EventBus {
  readonly #journal: Journal<CoreEvent>
  readonly #handlers = new Map<string, Registration[]>()
  /** `-pre-` events of units under way. */
  readonly #asked = new WeakMap<Unit<CoreEvent>, CoreEvent[]>()

  constructor(journal: Journal<CoreEvent>) {
    this.#journal = journal
  }

  /** Calls `handler` for a change to an object of `klass`; of one variant (a property, a feature) if given. */
  on<S extends Subject, T extends ChangeEventName>(
    klass: SubjectClass<S>,
    name: T,
    handler: ChangeHandler<S, T>,
    variant?: string,
  ): void {
    this.#register(klass, variant === undefined ? name : `${name}:${variant}`, handler)
  }

  /** Calls `handler` for a step in the life of an object of `klass`. */
  onLife<S extends Subject, T extends LifeEventName>(
    klass: SubjectClass<S>,
    name: T,
    handler: LifeHandler<S, T>,
  ): void {
    this.#register(klass, name, handler)
  }

  /** Fires an event of a change. @throws what a handler throws; then the caller must not go on with the change */
  fire<T extends ChangeEventName>(
    unit: Unit<CoreEvent>,
    subject: Subject,
    name: T,
    event: ChangeEvents[T],
    variant?: string,
  ): void {
    const pre = vetoable.test(name)
    const show = (): void => {
      const seen = subject.eventSubject
      if (!seen) return
      const shown = { ...seen, name: variant === undefined ? name : `${name}:${variant}`, pairs: eventPairs(event) }
      unit.emit(shown)
      if (pre) this.#asked.set(unit, [...(this.#asked.get(unit) ?? []), shown])
    }
    if (pre) show()
    for (const { handler } of this.#of(subject, name, variant, pre)) handler(subject as never, event as never, unit)
    if (!pre) show()
  }

  /** Tells subscribers what a unit that was refused had asked for. */
  tellAsked(unit: Unit<CoreEvent>): void {
    for (const event of this.#asked.get(unit) ?? []) this.#journal.publish(event)
  }

  /** Fires an event of the life cycle, at once for subscribers, and waits for all handlers in turn. */
  async fireLife<T extends LifeEventName>(subject: Subject, name: T, event: LifeEvents[T]): Promise<void> {
    const seen = subject.eventSubject
    if (seen) this.#journal.publish({ ...seen, name, pairs: eventPairs(event) })
    for (const { handler } of this.#of(subject, name, undefined, vetoable.test(name))) {
      await (handler as LifeHandler<Subject, T>)(subject, event)
    }
  }

  /** Tells subscribers that computed properties of `subject` have new values. */
  announceReset(subject: Subject, ...names: readonly string[]): void {
    const seen = subject.eventSubject
    if (!seen) return
    for (const name of names)
      this.#journal.publish({ ...seen, name: `property-reset:${name}`, pairs: [['name', name]] })
  }

  #register(klass: SubjectClass<Subject>, key: string, handler: Registration['handler']): void {
    let depth = 0
    for (let at: unknown = klass.prototype; at; at = Object.getPrototypeOf(at)) depth++
    const list = this.#handlers.get(key) ?? []
    list.push({ klass, depth, handler })
    list.sort((a, b) => a.depth - b.depth)
    this.#handlers.set(key, list)
  }

  #of(subject: Subject, name: string, variant: string | undefined, pre: boolean): Registration[] {
    const all = this.#handlers.get(name) ?? []
    const some = variant === undefined ? undefined : this.#handlers.get(`${name}:${variant}`)
    const list = some ? [...all, ...some].sort((a, b) => a.depth - b.depth) : all
    const own = list.filter(({ klass }) => subject instanceof klass)
    return pre ? own.sort((a, b) => b.depth - a.depth) : own
  }
}

import type { AnyCallRow, CallRow, DialectName, QubesEvent } from '@cloister/admin-protocol'
import type { App, BaseVM, Statistics } from '@cloister/core'
import type { AccessRules } from './access.ts'
import type { Consoles } from './consoles.ts'

/** A call that passed all checks, with typed values. */
export interface Call<A, P> {
  readonly app: App
  readonly consoles: Consoles
  readonly statistics: Statistics
  /** What the source may see; that it may make the call has been decided. */
  readonly access: AccessRules
  /** The domain that calls. */
  readonly source: BaseVM
  /** The domain that the call is about: the admin domain for calls about the whole system. */
  readonly destination: BaseVM
  readonly argument: A
  readonly payload: P
  /** Which of the row's variants was called: the class in `vm.Create.<class>`. */
  readonly variant: string | undefined
  readonly dialect: DialectName
  /** The data of a call with a streamed payload; empty for others. */
  readonly body: AsyncIterable<Uint8Array>
  /** Sends one message of a call with a streamed reply. */
  readonly send: (event: QubesEvent) => void
  /** Aborted when the caller of a call with a streamed reply has gone. */
  readonly signal: AbortSignal
}

type Handler<A, P, R> = (call: Call<A, P>) => R | Promise<R>

/** Looks up the object that an argument names. @throws when there is no such object */
type LookUp<A> = (call: Pick<Call<A, unknown>, 'app' | 'destination' | 'argument'>) => unknown

/** A row of the table of calls with its handler. */
export interface HandledCall {
  readonly row: AnyCallRow
  readonly handle: Handler<unknown, unknown, unknown>
  /**
   * Runs before the payload is decoded: of a call with an unknown object and a malformed value, the reference server tells that
   * the object is unknown.
   */
  readonly lookUp?: LookUp<unknown>
}

/** Pairs a row with its handler, and with the look-up of what its argument names; the row's types are theirs. */
export function handle<A, P, R>(row: CallRow<A, P, R>, handler: Handler<A, P, R>, lookUp?: LookUp<A>): HandledCall {
  // The pipeline gives a handler only values that the handler's own row has decoded.
  const handled = { row: row as AnyCallRow, handle: handler as Handler<unknown, unknown, unknown> }
  return lookUp ? { ...handled, lookUp: lookUp as LookUp<unknown> } : handled
}

/** Pairs a row whose reply is streamed with its handler, which sends messages until the caller has gone. */
export function handleStream<A, P>(row: CallRow<A, P, QubesEvent>, handler: Handler<A, P, void>): HandledCall {
  return { row: row as AnyCallRow, handle: handler as Handler<unknown, unknown, unknown> }
}

/** All items of a list, or the one that was asked for. @throws what `missing` returns when no item has that name */
export function onlyOne<T>(
  items: readonly T[],
  wanted: string | undefined,
  nameOf: (item: T) => string,
  missing: () => Error,
): readonly T[] {
  if (wanted === undefined) return items
  const found = items.filter((item) => nameOf(item) === wanted)
  if (found.length === 0) throw missing()
  return found
}

/** What `read` gives, or `broken` when `read` throws: an object that cannot be read does not keep the others of a list away. */
export function orBroken<T>(app: App, what: string, read: () => T, broken: T): T {
  try {
    return read()
  } catch (error) {
    app.log.debug('a part of a list could not be read', { what, error })
    return broken
  }
}

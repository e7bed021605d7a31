import type { Codec, InputCodec } from './codec.ts'

/** Which domains a call can be sent to: the admin domain, every other domain, or both. */
export type Destination = 'admin' | 'domain' | 'any'

/**
 * `admin` is what Qubes ships, `mgmt` the complete draft (reference: mgmt-dialect). `plain` is the dialect of calls whose name has
 * neither prefix: `internal.*`, `qubes.*`, and `cloister.*`, which only Cloister has. Replies to `plain` calls are encoded as in
 * `admin`.
 */
export type DialectName = 'admin' | 'mgmt' | 'plain'

/** How one dialect encodes argument, payload and reply of a call. */
export interface Dialect<A, P, R> {
  readonly argument: InputCodec<A>
  /** For a call with a streamed payload: its first line without the newline, or `nothing` when the data begin at once. */
  readonly payload: InputCodec<P>
  /** Content of the reply; for a call with a streamed reply, the content of one event message. */
  readonly reply: Codec<R>
  /** Given only when this dialect has another destination than the row. */
  readonly destination?: Destination
}

/** One call of the Admin API: argument `A`, payload `P`, reply `R`; `undefined` for a part that the call does not have. */
export interface CallRow<A, P, R> {
  /** The name without the dialect's prefix; a word in angle brackets, as `<class>`, stands for each of `variants`. */
  readonly key: string
  /** What the call does, in one sentence. */
  readonly summary: string
  readonly variants?: readonly string[]
  readonly destination: Destination
  /** Policy groups calls by `scope` and `effect`: whether a call concerns the whole system or one domain, and what it does. */
  readonly scope: 'global' | 'local'
  readonly effect: 'read' | 'write' | 'execute'
  /** Most bytes of a request: header, NUL and payload together. A streamed payload counts with its first line only. */
  readonly limit: number
  readonly stream?: 'payload' | 'reply'
  readonly socket: 'main' | 'internal' | 'misc'
  readonly admin?: Dialect<A, P, R>
  readonly mgmt?: Dialect<A, P, R>
  readonly plain?: Dialect<A, P, R>
}

/** A row of any types, as the table of all calls holds it. */
export type AnyCallRow = CallRow<unknown, unknown, unknown>

/** Most bytes of an ordinary request (reference: admin-api, 1.2 rule 6). */
export const requestLimit: number = 65_536

/** Bytes that a row adds for the header when its limit is known for the payload only. */
export const headerAllowance: number = 4096

type Permission = Pick<AnyCallRow, 'socket' | 'limit' | 'destination' | 'scope' | 'effect'>

/** Common parts of rows, by scope and effect. */
export const globalRead: Permission = {
  socket: 'main',
  limit: requestLimit,
  destination: 'admin',
  scope: 'global',
  effect: 'read',
}
export const globalWrite: Permission = { ...globalRead, effect: 'write' }
export const localRead: Permission = { ...globalRead, destination: 'any', scope: 'local' }
export const localWrite: Permission = { ...localRead, effect: 'write' }
export const localExecute: Permission = { ...localRead, effect: 'execute' }

/** The dialects of a call that is encoded the same way in `admin` and `mgmt`. */
export function bothDialects<A, P, R>(dialect: Dialect<A, P, R>): { admin: Dialect<A, P, R>; mgmt: Dialect<A, P, R> } {
  return { admin: dialect, mgmt: dialect }
}

import type { Codec, InputCodec } from './codec.ts'

/** Which domains a call can be sent to: the admin domain, every other domain, or both. */
export type Destination = 'admin' | 'domain' | 'any'

/**
 * `admin` is what Qubes ships, `mgmt` the complete draft (reference: mgmt-dialect); `plain` is the dialect of calls whose
 * name stands alone: `internal.*`, `qubes.*` and calls of our own. Replies of `plain` calls are those of `admin`.
 */
export type DialectName = 'admin' | 'mgmt' | 'plain'

/** How one dialect spells argument, payload and reply of a call. */
export interface Dialect<A, P, R> {
  readonly argument: InputCodec<A>
  /** Of a call with a streamed payload: the first line, without its newline; `nothing` when the data begin at once. */
  readonly payload: InputCodec<P>
  /** Content of the reply; of a call with a streamed reply: of one event message. */
  readonly reply: Codec<R>
  /** Where it differs from the row's. */
  readonly destination?: Destination
}

/** One call of the Admin API: argument `A`, payload `P`, reply `R`; `undefined` where there is none. */
export interface CallRow<A, P, R> {
  /** The name without the dialect's prefix; a word in angle brackets, as `<class>`, stands for each of `variants`. */
  readonly key: string
  /** What the call does, in one sentence. */
  readonly summary: string
  readonly variants?: readonly string[]
  readonly destination: Destination
  /** What policy groups calls by: whether the whole system or one domain is concerned, and what is done to it. */
  readonly scope: 'global' | 'local'
  readonly effect: 'read' | 'write' | 'execute'
  /** Most bytes of a request: header, NUL and payload together; of a streamed payload only the header and first line count. */
  readonly limit: number
  readonly stream?: 'payload' | 'reply'
  readonly socket: 'main' | 'internal' | 'misc'
  readonly admin?: Dialect<A, P, R>
  readonly mgmt?: Dialect<A, P, R>
  readonly plain?: Dialect<A, P, R>
}

/** A row whose types are not known. */
export type AnyCallRow = CallRow<unknown, unknown, unknown>

/** Most bytes of an ordinary request (reference: admin-api, 1.2 rule 6). */
export const requestLimit: number = 65_536

/** Room for a header where a row counts its limit from the payload. */
export const headerAllowance: number = 4096

type Permission = Pick<AnyCallRow, 'socket' | 'limit' | 'destination' | 'scope' | 'effect'>

/** Starting points of rows, by policy class. */
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

/** The call is spelled the same in both dialects. */
export function bothDialects<A, P, R>(dialect: Dialect<A, P, R>): { admin: Dialect<A, P, R>; mgmt: Dialect<A, P, R> } {
  return { admin: dialect, mgmt: dialect }
}

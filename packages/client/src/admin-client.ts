import {
  type AnyCallRow,
  adminDomainName,
  type CallRow,
  callName,
  DaemonCommunicationError,
  type Dialect,
  type DialectName,
  EventReader,
  events,
  type Problem,
  problemList,
  type QubesEvent,
  type Reply,
  ReplyReader,
  replyLimit,
  vmStats,
} from '@cloister/admin-protocol'
import { concatBytes, msg, ProtocolError, QubesNotImplementedError, utf8 } from '@cloister/kit'
import { Domain } from './domain.ts'
import { Domains } from './domains.ts'
import { accessError, DaemonAccessError, errorFor, timeoutError } from './errors.ts'
import type { Payload, Transport, TransportRequest } from './transport.ts'

/** Options of every call. */
export interface CommonOptions {
  /** Name of the domain that the call is sent to; the admin domain when not given. */
  readonly dest?: string
  /** One of the row's variants: the class in `vm.Create.<class>`. */
  readonly variant?: string
  /** When not given: `admin` if the call exists there, else `mgmt`, else `plain`. */
  readonly dialect?: DialectName
  /** The data of a call whose payload is streamed. */
  readonly stream?: AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal
  /** Milliseconds after which the call is given up. No limit when not given, because starting a domain may take minutes. */
  readonly timeout?: number
}

type Given<K extends string, T> = undefined extends T ? { readonly [k in K]?: T } : { readonly [k in K]: T }

/** Options of one call: `argument` and `payload` where the row has them. */
export type CallOptions<A, P> = CommonOptions & Given<'argument', A> & Given<'payload', P>

interface AnyOptions extends CommonOptions {
  readonly argument?: unknown
  readonly payload?: unknown
}

/** Which events a subscription gets. */
export interface EventOptions {
  /** Only events of this domain. */
  readonly dest?: string
  /** Only events of this name, or, with `*` at the end, of names with this beginning: `domain-*`. */
  readonly pattern?: string
  readonly signal?: AbortSignal
}

/** Errors of a call that the daemon does not know, or that policy refuses. */
const notServed = [DaemonAccessError, ProtocolError, QubesNotImplementedError]

const dialectNames: readonly DialectName[] = ['admin', 'mgmt', 'plain']

function dialectOf<A, P, R>(
  row: CallRow<A, P, R>,
  wanted: DialectName | undefined,
): { name: DialectName; dialect: Dialect<A, P, R> } {
  for (const name of wanted === undefined ? dialectNames : [wanted]) {
    const dialect = row[name]
    if (dialect !== undefined) return { name, dialect }
  }
  throw new ProtocolError(msg`${row.key} is no call of the dialect ${wanted ?? ''}`)
}

async function* headed(line: Uint8Array, stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield concatBytes([line, utf8('\n')])
  yield* stream
}

function payloadOf(row: AnyCallRow, dialect: Dialect<unknown, unknown, unknown>, options: AnyOptions): Payload {
  const payload = dialect.payload.encode(options.payload)
  if (row.stream !== 'payload') return payload
  if (options.stream === undefined) throw new ProtocolError(msg`${row.key} needs a stream of data`)
  return dialect.payload.presence === 'none' ? options.stream : headed(payload, options.stream)
}

function requestOf(row: AnyCallRow, options: AnyOptions): TransportRequest {
  const { name, dialect } = dialectOf(row, options.dialect)
  if (row.variants !== undefined && options.variant === undefined) {
    throw new ProtocolError(msg`${row.key} needs one of ${row.variants.join(', ')}`)
  }
  return {
    method: callName(row, name, options.variant),
    argument: dialect.argument.encode(options.argument),
    destination: options.dest ?? adminDomainName,
    payload: payloadOf(row, dialect, options),
  }
}

/** The content of a reply. @throws CloisterError when there is none */
function contentOf(reply: Reply, request: TransportRequest): Uint8Array {
  if (reply.kind === 'ok') return reply.content
  if (reply.kind === 'exception') throw errorFor(reply.exception)
  throw accessError(request.method, request.destination)
}

/**
 * Client of the Admin API over any transport. `call` makes every call of the protocol, given the row of the call; frequent calls
 * have methods of their own on `domains` and `domain(name)`.
 */
export class AdminClient {
  readonly #transport: Transport
  readonly #replyLimit: number
  /** The domains of the system. */
  readonly domains: Domains = new Domains(this)

  /** `replyLimit` is the most bytes that one reply may have. */
  constructor(transport: Transport, options: { readonly replyLimit?: number } = {}) {
    this.#transport = transport
    this.#replyLimit = options.replyLimit ?? replyLimit
  }

  /** The domain of that name. Nothing is sent: a domain that does not exist fails its first call. */
  domain(name: string): Domain {
    return new Domain(this, name)
  }

  /**
   * Makes a call and returns its reply.
   * @throws the kit's error of the type that the daemon named; DaemonAccessError when the reply is empty;
   * DaemonUnreachableError when no daemon answers; DaemonTimeoutError after `timeout`; the reason of `signal`
   */
  async call<A, P, R>(row: CallRow<A, P, R>, options: CallOptions<NoInfer<A>, NoInfer<P>>): Promise<R> {
    const { dialect } = dialectOf(row, options.dialect)
    const request = requestOf(row, options)
    const reader = new ReplyReader(this.#replyLimit)
    for await (const chunk of this.#exchange(request, options)) reader.push(chunk)
    return dialect.reply.decode(contentOf(reader.finish(), request))
  }

  /**
   * What is wrong with the system and can be mended. Undefined when the daemon does not answer the call: that of Qubes and
   * older releases do not have it, and a policy may refuse it.
   */
  async problems(): Promise<readonly Problem[] | undefined> {
    try {
      return await this.call(problemList, {})
    } catch (error) {
      if (notServed.some((type) => error instanceof type)) return undefined
      throw error
    }
  }

  /** Events as they happen, `connection-established` first. @throws DaemonCommunicationError when the daemon ends the stream */
  events({ dest, pattern, signal }: EventOptions = {}): AsyncIterable<QubesEvent> {
    const common = { ...(dest === undefined ? {} : { dest }), ...(signal === undefined ? {} : { signal }) }
    return this.#stream(events, pattern === undefined ? common : { ...common, dialect: 'mgmt', argument: pattern })
  }

  /** Reports of memory and processor use: events `vm-stats`, after `connection-established`. */
  stats(options: Omit<EventOptions, 'pattern'> = {}): AsyncIterable<QubesEvent> {
    return this.#stream(vmStats, options)
  }

  async *#stream(row: AnyCallRow, options: AnyOptions): AsyncGenerator<QubesEvent> {
    const request = requestOf(row, options)
    const reader = new EventReader()
    for await (const chunk of this.#exchange(request, options)) yield* reader.push(chunk)
    const reply = reader.finish()
    if (reply !== undefined) contentOf(reply, request)
    throw new DaemonCommunicationError(msg`the daemon ended the stream of ${request.method}`)
  }

  /** The bytes of the answer. @throws DaemonTimeoutError after `timeout`; the reason of `signal` when that aborts */
  async *#exchange(request: TransportRequest, { signal, timeout }: CommonOptions): AsyncGenerator<Uint8Array> {
    if (timeout === undefined) return yield* this.#transport.exchange(request, signal)
    const limit = AbortSignal.timeout(timeout)
    try {
      yield* this.#transport.exchange(request, signal === undefined ? limit : AbortSignal.any([signal, limit]))
    } catch (error) {
      if (signal?.aborted === true || !limit.aborted) throw error
      throw timeoutError(request.method, request.destination, timeout)
    }
  }
}

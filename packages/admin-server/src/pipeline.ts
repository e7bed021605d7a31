import {
  encodeException,
  encodeOk,
  type FoundCall,
  findCall,
  nothing,
  refuseWrongPresence,
  takeFirstLine,
} from '@cloister/admin-protocol'
import { AdminVM, type App, type BaseVM, type Statistics } from '@cloister/core'
import { msg, ProtocolError, type Untrusted } from '@cloister/kit'
import { type AccessRules, type CallValues, PolicyRefusal } from './access.ts'
import type { Audit } from './audit.ts'
import type { CallServer, Exchange, Reply, Request } from './call-server.ts'
import type { Consoles } from './consoles.ts'
import { handlers } from './handlers/index.ts'
import { type EndpointIdentity, type IdentifiedCall, identify } from './identify.ts'
import type { RunningCalls } from './running-calls.ts'
import type { WireErrors } from './wire-error.ts'

/** What all endpoints share. */
export interface Services {
  readonly app: App
  readonly consoles: Consoles
  readonly statistics: Statistics
  readonly errors: WireErrors
  readonly audit: Audit
  readonly running: RunningCalls
}

/** What is special to an endpoint: its calls, who makes them, and what they may do. */
export interface EndpointRules extends EndpointIdentity {
  readonly access: AccessRules
}

/** A call as its handler gets it, but for the values. */
interface DecodedCall extends CallValues {
  readonly body: AsyncIterable<Uint8Array>
}

const noBytes = new Uint8Array()

/** Runs `next` on a value, at once when the value is there: most calls are answered without waiting. */
function then<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/**
 * What is done for a request: identify, authorise, decode, constrain, handle, audit. Each step is a function of its own; none but
 * `decode` makes values of the bytes of a request.
 */
export class Pipeline implements CallServer {
  readonly #services: Services
  readonly #rules: EndpointRules

  constructor(services: Services, rules: EndpointRules) {
    this.#services = services
    this.#rules = rules
  }

  answer(request: Request, exchange: Exchange): Reply | Promise<Reply> {
    const { app } = this.#services
    const { access } = this.#rules
    let call: IdentifiedCall | undefined
    try {
      const identified = identify(app, this.#rules, request.header)
      call = identified
      const result = then(access.authorise(identified), () =>
        then(decode(app, identified, request, exchange), (decoded) =>
          then(access.constrain(identified, decoded), () => this.#handle(identified, decoded, exchange)),
        ),
      )
      if (!(result instanceof Promise)) return this.#succeed(identified, request, result)
      // A streamed reply ends with its client, not with the daemon.
      if (identified.found.row.stream !== 'reply') this.#services.running.follow(result)
      return result
        .then((value) => this.#succeed(identified, request, value))
        .catch((error: unknown) => this.#fail(identified, request, error))
    } catch (error) {
      return this.#fail(call, request, error)
    }
  }

  #handle({ found, source, destination }: IdentifiedCall, decoded: DecodedCall, exchange: Exchange): unknown {
    const { app, consoles, statistics } = this.#services
    const { access } = this.#rules
    const { row, variant, dialectName } = found
    const handled = handlers.get(row)
    if (!handled) throw new Error(`no handler for ${found.name}`)
    const { send, signal } = exchange
    const common = { app, consoles, statistics, access, source, destination, variant, dialect: dialectName }
    return handled.handle({ ...common, send, signal, ...decoded })
  }

  #succeed({ found, source, destination }: IdentifiedCall, { header }: Request, result: unknown): Reply {
    // Encoded first: what cannot be expressed is a failure of the call.
    const reply = found.row.stream === 'reply' ? noBytes : encodeOk(found.dialect.reply.encode(result))
    this.#services.audit.succeeded({ found, source, destination, argument: header.argument })
    return reply
  }

  #fail(call: IdentifiedCall | undefined, { header }: Request, error: unknown): Reply {
    const { audit, errors } = this.#services
    audit.refused({ ...call, method: header.method, argument: header.argument }, error)
    if (error instanceof PolicyRefusal) return noBytes
    const dialect = findCall(header.method)?.dialectName ?? 'admin'
    return encodeException(errors.toWire(error, header.method, call?.source), dialect)
  }
}

/** Parses argument and payload: the only place where bytes of a request become values. */
function decode(
  app: App,
  { found, destination }: IdentifiedCall,
  { header, payload }: Request,
  { body }: Exchange,
): DecodedCall | Promise<DecodedCall> {
  refuseWrongPresence(found, header.argument, payload)
  refuseWrongDestination(found, destination)
  const { dialect, row } = found
  const values = (bytes: Untrusted<Uint8Array>): CallValues => {
    const argument = header.argument.parse((raw) => dialect.argument.decode(raw))
    handlers.get(row)?.lookUp?.({ app, destination, argument })
    return { argument, payload: bytes.parse((raw) => dialect.payload.decode(raw)) }
  }
  if (row.stream !== 'payload' || dialect.payload === nothing) return { ...values(payload), body }
  return takeFirstLine(body).then(({ line, rest }) => ({ ...values(line), body: rest }))
}

function refuseWrongDestination({ name, destination: wanted }: FoundCall, destination: BaseVM): void {
  if (wanted === 'any' || (wanted === 'admin') === destination instanceof AdminVM) return
  const accepted = wanted === 'admin' ? 'the admin domain' : 'a domain other than the admin domain'
  throw new ProtocolError(msg`${name} must be sent to ${accepted}, not to ${destination.name}`)
}

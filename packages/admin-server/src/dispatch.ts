import {
  type FoundCall,
  findCall,
  parseDomainReference,
  type RequestHeader,
  refuseWrongPresence,
} from '@cloister/admin-protocol'
import { AdminVM, type App, type BaseVM } from '@cloister/core'
import { asciiText, msg, ProtocolError, QubesVMNotFoundError, type Untrusted } from '@cloister/kit'
import type { Call } from './handler.ts'
import { handlers } from './handlers/index.ts'

/** A request that is to be answered. */
export interface Request {
  readonly header: RequestHeader
  /** Of a streamed call: the first line, or nothing. */
  readonly payload: Untrusted<Uint8Array>
}

/** A request that was found to be a proper call. */
export interface CheckedCall {
  readonly found: FoundCall
  readonly source: BaseVM
  readonly destination: BaseVM
}

/**
 * Finds out what a request asks for, in the order of reference admin-api, 1.2 rule 8, so that every client gets the same error
 * for the same mistake.
 * @throws CloisterError
 */
export function checkCall(app: App, socket: string, { header, payload }: Request): CheckedCall {
  const source = header.source.parse((text) => resolve(app, text))
  const destination = header.destination.parse((text) => resolve(app, text))
  header.argument.parse((bytes) => {
    if (asciiText(bytes) === undefined) throw new ProtocolError(msg`The argument of ${header.method} must be ASCII`)
  })
  const found = findCall(header.method)
  if (!found || found.row.socket !== socket) throw new ProtocolError(msg`There is no call ${header.method}`)
  refuseWrongPresence(found, header.argument, payload)
  refuseWrongDestination(found, destination)
  return { found, source, destination }
}

function resolve(app: App, text: string): BaseVM {
  const reference = parseDomainReference(text)
  const vm = 'uuid' in reference ? app.domains.findUuid(reference.uuid) : app.domains.find(reference.name)
  if (!vm) throw new QubesVMNotFoundError(msg`No such domain: ${text}`)
  return vm
}

function refuseWrongDestination({ name, destination: wanted }: FoundCall, destination: BaseVM): void {
  if (wanted === 'any' || (wanted === 'admin') === destination instanceof AdminVM) return
  const whom = wanted === 'admin' ? 'the admin domain' : 'a domain other than the admin domain'
  throw new ProtocolError(msg`${name} must be sent to ${whom}, not to ${destination.name}`)
}

/** What the dispatcher adds to a checked call. */
type Surroundings = Omit<
  Call<unknown, unknown>,
  'source' | 'destination' | 'argument' | 'payload' | 'variant' | 'dialect'
>

/** Parses argument and payload, the only place where bytes of a request become values, and runs the handler. */
export function runCall(
  { found, source, destination }: CheckedCall,
  { header, payload }: Request,
  around: Surroundings,
): unknown {
  const { dialect, dialectName, row, variant } = found
  const argument = header.argument.parse((bytes) => dialect.argument.decode(bytes))
  const value = payload.parse((bytes) => dialect.payload.decode(bytes))
  const handler = handlers.get(row)
  if (!handler) throw new Error(`no handler for ${found.name}`)
  return handler({ ...around, source, destination, argument, payload: value, variant, dialect: dialectName })
}

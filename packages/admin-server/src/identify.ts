import {
  type FoundCall,
  findCall,
  formatDomainReference,
  parseDomainReference,
  type RequestHeader,
} from '@cloister/admin-protocol'
import type { App, BaseVM } from '@cloister/core'
import { asciiText, msg, ProtocolError, QubesVMNotFoundError } from '@cloister/kit'
import { type Identity, PolicyRefusal, type RequestedCall } from './access.ts'

/** A request whose call, source and destination are known. */
export interface IdentifiedCall extends RequestedCall {
  readonly found: FoundCall
}

/** What an endpoint serves, and to whom. */
export interface EndpointIdentity {
  /** Which group of calls; the calls of other groups are unknown there. */
  readonly calls: 'main' | 'internal' | 'misc'
  readonly identity: Identity
}

/**
 * Finds out which call a request is, who makes it and on what, in the order of reference admin-api, 1.2 rule 8, so that every
 * client gets the same error for the same mistake.
 * @throws CloisterError
 */
export function identify(app: App, { calls, identity }: EndpointIdentity, header: RequestHeader): IdentifiedCall {
  const source =
    identity === 'trusted' ? header.source.parse((text) => resolve(app, text)) : resolve(app, identity.source)
  const destination = destinationOf(app, identity, header)
  const argument = header.argument.parse(asciiText)
  if (argument === undefined) throw new ProtocolError(msg`The argument of ${header.method} must be ASCII`)
  const found = findCall(header.method)
  if (!found || found.row.socket !== calls) throw new ProtocolError(msg`There is no call ${header.method}`)
  return { found, name: found.name, argument, source, destination }
}

/** A caller that is not trusted does not learn which domains exist: a call to a missing one looks like one that policy refuses. */
function destinationOf(app: App, identity: Identity, { destination }: RequestHeader): BaseVM {
  try {
    return destination.parse((text) => resolve(app, text))
  } catch (cause) {
    if (identity === 'trusted') throw cause
    throw new PolicyRefusal(msg`${identity.source} called a domain that does not exist`, { cause })
  }
}

function resolve(app: App, text: string): BaseVM {
  const reference = parseDomainReference(text)
  const vm = 'uuid' in reference ? app.domains.findUuid(reference.uuid) : app.domains.find(reference.name)
  if (!vm) throw new QubesVMNotFoundError(msg`No such domain: ${formatDomainReference(reference)}`)
  return vm
}

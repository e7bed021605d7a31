import { asciiText, concatBytes, msg, Untrusted, utf8 } from '@cloister/kit'
import { FramingError } from './errors.ts'
import { adminDomainName, type DomainReference, formatDomainReference } from './values/domain-name.ts'

/** The parts of a request before its first NUL; none of them is checked yet (reference: admin-api, 1.2). */
export interface RequestHeader {
  readonly method: string
  readonly argument: Untrusted<Uint8Array>
  /** For `parseDomainReference`; the source is to be resolved before the destination is looked at. */
  readonly source: Untrusted<string>
  readonly destination: Untrusted<string>
}

const space = 0x20
const plus = 0x2b

/** Splits the bytes at the first `most` - 1 separators. */
function split(bytes: Uint8Array, separator: number, most: number): Uint8Array[] {
  const parts: Uint8Array[] = []
  let rest = bytes
  while (parts.length < most - 1) {
    const at = rest.indexOf(separator)
    if (at < 0) break
    parts.push(rest.subarray(0, at))
    rest = rest.subarray(at + 1)
  }
  return [...parts, rest]
}

/** Decodes as latin-1: bytes that are not ASCII become characters that no name may hold, so that the name is refused later. */
function byteText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
}

function destinationOf(kind: string | undefined, name: Uint8Array): string {
  if (kind === 'name') return byteText(name)
  if (kind === 'keyword' && asciiText(name) === 'adminvm') return adminDomainName
  throw new FramingError(msg`the destination of a request is a name, or the keyword adminvm`)
}

/**
 * Splits the bytes before the first NUL of a request into its parts.
 * @throws FramingError when they are no header
 */
export function parseRequestHeader(bytes: Uint8Array): RequestHeader {
  const [call, source, kind, destination] = split(bytes, space, 4)
  if (call === undefined || source === undefined || kind === undefined || destination === undefined) {
    throw new FramingError(msg`the header of a request has four parts`)
  }
  const [name = call, argument = new Uint8Array()] = split(call, plus, 2)
  const method = asciiText(name)
  if (method === undefined) throw new FramingError(msg`the method of a request must be ASCII`)
  return {
    method,
    argument: new Untrusted(argument),
    source: new Untrusted(byteText(source)),
    destination: new Untrusted(destinationOf(asciiText(kind), destination)),
  }
}

/** The header of a request that a client sends. */
export interface OutgoingHeader {
  readonly method: string
  readonly argument: Uint8Array
  readonly source: DomainReference
  readonly destination: DomainReference
}

/**
 * Encodes a header with its NUL. The bytes that follow, up to the half-close of the connection, are the payload.
 * @throws FramingError when the argument holds a space or a NUL, which no request can express
 */
export function encodeRequestHeader({ method, argument, source, destination }: OutgoingHeader): Uint8Array {
  if (argument.includes(space) || argument.includes(0)) {
    throw new FramingError(msg`the argument of ${method} holds a space or a NUL byte`)
  }
  const addresses = ` ${formatDomainReference(source)} name ${formatDomainReference(destination)}\0`
  return concatBytes([utf8(`${method}+`), argument, utf8(addresses)])
}

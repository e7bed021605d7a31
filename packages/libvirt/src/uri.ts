import { type Message, msg } from '@cloister/kit'
import { LibvirtError } from './error.ts'
import { given } from './given.ts'
import { shown } from './shown.ts'

/** Ways to a daemon (reference: libvirt, 2.1). */
export const transports = ['unix', 'tcp', 'tls', 'ssh', 'libssh2', 'libssh', 'ext'] as const

export type Transport = (typeof transports)[number]

/** `driver[+transport]://[user@][host][:port]/[path][?name=value[&…]][#fragment]`, taken apart and decoded. */
export interface LibvirtUri {
  /** Lower case. */
  readonly driver: string
  /** As written, or `tls` when only a host is named; absent when the URI names neither, and a driver of this process is meant. */
  readonly transport?: Transport
  readonly user?: string
  /** A name or an address; an IPv6 address without its brackets. */
  readonly host?: string
  readonly port?: number
  /** Empty, or beginning with a slash. */
  readonly path: string
  /** By name in lower case, as names are compared without regard to case. */
  readonly parameters: ReadonlyMap<string, string>
  readonly fragment?: string
}

/** Longest URI that is read, characters. */
const maxLength = 4096

const shape = /^([a-z][a-z0-9.-]*)(?:\+([a-z0-9]+))?:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?(?:#(.*))?$/i
const authorityShape = /^(?:([^@]*)@)?(\[[0-9a-f:.]+(?:%25[a-z0-9._-]+)?\]|[a-z0-9._-]*)(?::([0-9]*))?$/i

/**
 * Reads a connection URI (reference: libvirt, 2.1). A parameter that is given twice, a broken escape, and a character that must
 * be escaped are refused, not repaired.
 * @throws LibvirtError INVALID_ARG
 */
export function parseUri(text: string): LibvirtUri {
  if (text.length > maxLength) throw invalid(text, msg`it is longer than ${maxLength} characters`)
  if (!/^[\x21-\x7e]*$/.test(text)) throw invalid(text, msg`it holds a character that must be percent-encoded`)
  const [, driver, transport, authority = '', path = '', query, fragment] = shape.exec(text) ?? []
  if (driver === undefined) throw invalid(text, msg`it is not driver[+transport]://[user@][host][:port]/path`)
  const place = parseAuthority(text, authority)
  return {
    driver: driver.toLowerCase(),
    ...given({ transport: chooseTransport(text, transport, place.host) }),
    ...place,
    path: decoded(text, path),
    parameters: parseParameters(text, query),
    ...given({ fragment: fragment === undefined ? undefined : decoded(text, fragment) }),
  }
}

/** The URI as text; `parseUri` reads it back as it was. */
export function formatUri(uri: LibvirtUri): string {
  const transport = uri.transport === undefined ? '' : `+${uri.transport}`
  const user = uri.user === undefined ? '' : `${encodeURIComponent(uri.user)}@`
  const host = uri.host?.includes(':') ? `[${uri.host.replace('%', '%25')}]` : (uri.host ?? '')
  const port = uri.port === undefined ? '' : `:${uri.port}`
  const path = uri.path.split('/').map(encodeURIComponent).join('/')
  const query = [...uri.parameters].map(([name, value]) => `${encodeURIComponent(name)}=${encodeValue(value)}`)
  const fragment = uri.fragment === undefined ? '' : `#${encodeURIComponent(uri.fragment)}`
  const parameters = query.length === 0 ? '' : `?${query.join('&')}`
  return `${uri.driver}${transport}://${user}${host}${port}${path}${parameters}${fragment}`
}

function parseAuthority(text: string, authority: string): Pick<LibvirtUri, 'user' | 'host' | 'port'> {
  const [whole, user, host = '', port] = authorityShape.exec(authority) ?? []
  if (whole === undefined) throw invalid(text, msg`the part between // and / is not [user@][host][:port]`)
  if (host === '' && (user !== undefined || port !== undefined)) throw invalid(text, msg`a user or a port needs a host`)
  return given({
    user: user === undefined ? undefined : decoded(text, user),
    host: host === '' ? undefined : host.replace(/^\[|\]$/g, '').replace('%25', '%'),
    port: port === undefined ? undefined : parsePort(text, port),
  })
}

function parsePort(text: string, port: string): number {
  const value = Number(port)
  if (!/^[1-9][0-9]{0,4}$/.test(port) || value > 65_535) throw invalid(text, msg`the port is not from 1 to 65535`)
  return value
}

function chooseTransport(text: string, named: string | undefined, host: string | undefined): Transport | undefined {
  if (named === undefined) return host === undefined ? undefined : 'tls'
  const transport = transports.find((one) => one === named.toLowerCase())
  if (!transport) throw invalid(text, msg`the transport is none of ${transports.join(', ')}`)
  if (transport === 'unix' && host !== undefined) {
    throw new LibvirtError('INVALID_ARG', msg`using unix socket and remote server '${host}' is not supported.`, {
      domain: 'REMOTE',
    })
  }
  return transport
}

function parseParameters(text: string, query: string | undefined): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const pair of (query ?? '').split('&').filter((one) => one !== '')) {
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/.exec(pair) ?? []
    const key = decoded(text, name).toLowerCase()
    if (key === '') throw invalid(text, msg`a parameter has no name`)
    if (parameters.has(key)) throw invalid(text, msg`the parameter '${shown(key)}' is given twice`)
    parameters.set(key, decoded(text, value))
  }
  return parameters
}

/** A piece without its percent escapes; no piece may hold control characters. */
function decoded(text: string, piece: string): string {
  const plain = decode(piece)
  if (plain !== undefined && !/\p{Cc}/u.test(plain)) return plain
  throw invalid(text, msg`'${shown(piece)}' is not properly encoded`)
}

function decode(piece: string): string | undefined {
  try {
    return decodeURIComponent(piece)
  } catch {
    return undefined
  }
}

/** Slashes are not escaped: they have no meaning in a query. */
function encodeValue(value: string): string {
  return encodeURIComponent(value).replaceAll('%2F', '/')
}

function invalid(text: string, why: Message): LibvirtError {
  const detail = { format: `cannot read the URI '%s': ${why.format}`, fields: [shown(text), ...why.fields] }
  return new LibvirtError('INVALID_ARG', detail, { domain: 'URI' })
}

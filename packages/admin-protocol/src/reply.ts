import { concatBytes, type Message, messageText, msg, utf8, utf8Text } from '@cloister/kit'
import type { DialectName } from './call-row.ts'
import { DaemonCommunicationError } from './errors.ts'
import { eventForm, type QubesEvent } from './values/event.ts'

const heads = { ok: utf8('0\0'), event: utf8('1\0'), exception: utf8('2\0') } as const

/** An exception as it is sent. */
export interface WireException {
  /** Name of the exception's type; clients act on it (reference: admin-api, 2.4). */
  readonly type: string
  readonly message: Message
  /** Empty unless the daemon is being debugged. */
  readonly traceback: string
}

/** The answer of a daemon: content, an exception, or an empty answer, by which policy refuses a call. */
export type Reply =
  | { readonly kind: 'ok'; readonly content: Uint8Array }
  | { readonly kind: 'exception'; readonly exception: WireException }
  | { readonly kind: 'empty' }

/** A successful reply (reference: admin-api, 2.2). */
export function encodeOk(content: Uint8Array): Uint8Array {
  return concatBytes([heads.ok, content])
}

/** One event message (reference: admin-api, 2.3). */
export function encodeEvent(event: QubesEvent): Uint8Array {
  return concatBytes([heads.event, utf8(eventForm.format(event))])
}

/**
 * The format and fields of a message in a dialect: `mgmt` sends them apart so that clients can translate; the others send
 * the complete text, in which each `%` is doubled because clients apply Python's `%` to it (reference: admin-api, 2.4;
 * mgmt-dialect, rule 4).
 */
function messageParts(message: Message, dialect: DialectName): string[] {
  if (dialect === 'mgmt') return [message.format, ...message.fields.map(String)]
  return [messageText(message).replaceAll('%', '%%')]
}

/** An exception; each text is ended by NUL, the last one too. */
export function encodeException(exception: WireException, dialect: DialectName): Uint8Array {
  const texts = [exception.type, exception.traceback, ...messageParts(exception.message, dialect)]
  return concatBytes([heads.exception, utf8(texts.map((text) => `${text.replaceAll('\0', '')}\0`).join(''))])
}

/** Reads what follows the head `2 NUL`. */
function parseException(body: Uint8Array): WireException {
  const text = utf8Text(body)
  if (text === undefined) throw new DaemonCommunicationError(msg`the daemon's exception is not UTF-8`)
  const fields = text.split('\0')
  const end = fields.pop()
  const [type, traceback, format, ...values] = fields
  if (end !== '' || type === undefined || traceback === undefined || format === undefined) {
    throw new DaemonCommunicationError(msg`the daemon's exception is not complete`)
  }
  return { type, traceback, message: { format, fields: values } }
}

/**
 * Reads a complete reply of a call that is not streamed.
 * @throws DaemonCommunicationError when it is none
 */
export function parseReply(bytes: Uint8Array): Reply {
  if (bytes.length === 0) return { kind: 'empty' }
  const [digit, nul] = bytes
  const body = bytes.subarray(2)
  if (digit === heads.ok[0] && nul === 0) return { kind: 'ok', content: body }
  if (digit === heads.exception[0] && nul === 0) return { kind: 'exception', exception: parseException(body) }
  throw new DaemonCommunicationError(msg`the bytes that the daemon sent are not a reply`)
}

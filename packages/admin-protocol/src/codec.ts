import { asciiText, CloisterError, errorText, msg, ProtocolError, utf8, utf8Text } from '@cloister/kit'
import { DaemonCommunicationError } from './errors.ts'

/** Converts between a typed value and its bytes in one dialect: `decode(encode(value))` equals `value`. */
export interface Codec<T> {
  /** @throws CloisterError of the type that the reference names for this mistake */
  decode(bytes: Uint8Array): T
  encode(value: T): Uint8Array
}

/** Whether an argument or a payload may be empty; checked before anything is decoded (reference: admin-api, 1.2 rule 8). */
export type Presence = 'none' | 'optional' | 'required'

/** Codec of an argument or a payload. */
export interface InputCodec<T> extends Codec<T> {
  readonly presence: Presence
  /** The form of the input, for messages and documentation: `<label>`. */
  readonly syntax: string
}

/** Converts between a typed value and its text. Codecs are built from text forms. */
export interface TextForm<T> {
  readonly syntax: string
  /** @throws CloisterError */
  parse(text: string): T
  format(value: T): string
}

const noBytes = new Uint8Array()

function asciiOf(bytes: Uint8Array): string {
  const text = asciiText(bytes)
  if (text === undefined) throw new ProtocolError(msg`only ASCII is accepted here`)
  return text
}

/** Input that must be empty. */
export const nothing: InputCodec<undefined> = always(undefined)

/** Input that must be empty and is decoded as `value`. */
export function always<T>(value: T): InputCodec<T> {
  return {
    presence: 'none',
    syntax: '',
    decode(bytes) {
      if (bytes.length > 0) throw new ProtocolError(msg`nothing was expected here`)
      return value
    },
    encode(given) {
      if (JSON.stringify(given) !== JSON.stringify(value)) {
        throw new ProtocolError(msg`this dialect cannot express the value`)
      }
      return noBytes
    },
  }
}

/** Input of a call that is known but not served: nothing of it is looked at but whether there is any. */
export function unread(presence: Presence, syntax: string): InputCodec<undefined> {
  return { presence, syntax, decode: () => undefined, encode: () => noBytes }
}

function asciiInput<T>(presence: Presence, form: TextForm<T>): InputCodec<T> {
  return {
    presence,
    syntax: form.syntax,
    decode: (bytes) => form.parse(asciiOf(bytes)),
    encode: (value) => utf8(form.format(value)),
  }
}

/** Input that must not be empty; ASCII. */
export function required<T>(form: TextForm<T>): InputCodec<T> {
  return asciiInput('required', form)
}

/** Input whose empty text is a value like any other; ASCII. */
export function maybeEmpty<T>(form: TextForm<T>): InputCodec<T> {
  return asciiInput('optional', form)
}

/** Input that may be left out; ASCII. */
export function optional<T>(form: TextForm<T>): InputCodec<T | undefined> {
  return asciiInput<T | undefined>('optional', {
    syntax: `[${form.syntax}]`,
    parse: (text) => (text === '' ? undefined : form.parse(text)),
    format: (value) => (value === undefined ? '' : form.format(value)),
  })
}

/** Content of a reply. Whatever error its form throws becomes a DaemonCommunicationError: the daemon sent a wrong reply. */
export function reply<T>(form: TextForm<T>): Codec<T> {
  return {
    decode(bytes) {
      const text = utf8Text(bytes)
      if (text === undefined) throw new DaemonCommunicationError(msg`the reply is not UTF-8`)
      try {
        return form.parse(text)
      } catch (cause) {
        if (!(cause instanceof CloisterError)) throw cause
        throw new DaemonCommunicationError(msg`the reply is not ${form.syntax}: ${errorText(cause)}`, { cause })
      }
    },
    encode: (value) => utf8(form.format(value)),
  }
}

/** The empty reply of a call that returns no value. */
export const noReply: Codec<undefined> = {
  decode(bytes) {
    if (bytes.length > 0) throw new DaemonCommunicationError(msg`the reply should be empty`)
    return undefined
  },
  encode: () => noBytes,
}

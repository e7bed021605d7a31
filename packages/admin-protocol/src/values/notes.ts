import { msg, ProtocolError, utf8, utf8Text } from '@cloister/kit'
import type { InputCodec } from '../codec.ts'

/** Most bytes of a domain's notes (reference: admin-api, 3.4). */
export const notesLimit: number = 256_000

/** Control, format, private, unassigned characters and Unicode's own line ends, but not tab and newline. */
const unsafe = /[^\P{C}\t\n]|[\p{Zl}\p{Zp}]/gu

/**
 * Payload of `vm.notes.Set`: UTF-8; empty deletes the notes. Characters that could deceive a reader are
 * replaced by `_`: this is the only input that the reference changes instead of refusing it.
 */
export const notes: InputCodec<string> = {
  presence: 'optional',
  syntax: '<text>',
  decode(bytes) {
    if (bytes.length > notesLimit) {
      throw new ProtocolError(msg`notes have at most ${notesLimit} bytes, not ${bytes.length}`)
    }
    const text = utf8Text(bytes)
    if (text === undefined) throw new ProtocolError(msg`notes must be UTF-8`)
    return text.replace(unsafe, '_')
  },
  encode: utf8,
}

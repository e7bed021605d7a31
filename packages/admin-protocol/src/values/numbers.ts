import { msg, ProtocolError, parseDecimal, QubesValueError } from '@cloister/kit'
import type { TextForm } from '../codec.ts'
import { quoted } from '../quoted.ts'
import { scalar, trimmed } from '../text-forms.ts'

/** Bytes, nanoseconds and other large counts: decimal digits, no sign, no leading zero, fewer than 20 (reference: admin-api, 3.6). */
export const size: TextForm<bigint> = scalar('<bytes>', parseDecimal)

/** A size as it is sent; white space around it is tolerated. */
export const sizeInput: TextForm<bigint> = trimmed(size)

/** A size of something that cannot be empty. */
function positive(form: TextForm<bigint>): TextForm<bigint> {
  return {
    ...form,
    parse(text) {
      const value = form.parse(text)
      if (value === 0n) throw new ProtocolError(msg`a size of 0 is not accepted here: a disk has at least one byte`)
      return value
    },
  }
}

/** The size that the content of a volume will have; `importSizeInput` tolerates white space around it. */
export const importSize: TextForm<bigint> = positive(size)
export const importSizeInput: TextForm<bigint> = positive(sizeInput)

/** A small count, like the index of a label. */
export const count: TextForm<number> = scalar('<number>', (text) =>
  /^(0|[1-9]\d{0,9})$/.test(text) ? Number(text) : undefined,
)

/** Most revisions that can be asked for. */
const mostRevisions = 999_999_999

/** How many revisions are kept; -1 turns snapshots off. A lower number throws `failure`, whose class depends on the call. */
function revisionsToKeep(failure: typeof QubesValueError | typeof ProtocolError): TextForm<number> {
  return trimmed({
    syntax: '<number>',
    parse(text) {
      const value = /^-?(0|[1-9]\d*)$/.test(text) ? Number(text) : undefined
      if (value === undefined)
        throw new ProtocolError(msg`revisions_to_keep must be a whole number, not ${quoted(text)}`)
      if (value < -1) throw new failure(msg`revisions_to_keep must be -1 or more, not ${quoted(text)}`)
      if (value > mostRevisions) {
        throw new ProtocolError(msg`revisions_to_keep must be ${mostRevisions} or less, not ${quoted(text)}`)
      }
      return value === 0 ? 0 : value
    },
    format: String,
  })
}

/** Payload of `vm.volume.Set.revisions_to_keep`. */
export const volumeRevisionsToKeep: TextForm<number> = revisionsToKeep(QubesValueError)

/** Payload of `pool.Set.revisions_to_keep`. */
export const poolRevisionsToKeep: TextForm<number> = revisionsToKeep(ProtocolError)

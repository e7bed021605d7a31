import { parseBoolean } from '@cloister/kit'
import type { TextForm } from '../codec.ts'
import { oneOf, scalar } from '../text-forms.ts'

function words<T extends string, F extends string>(yes: T, no: F): TextForm<boolean> {
  const either = oneOf<T | F>([yes, no])
  return {
    syntax: either.syntax,
    parse: (text) => either.parse(text) === yes,
    format: (value) => (value ? yes : no),
  }
}

/** Booleans in replies of `admin.*`. */
export const adminBoolean: TextForm<boolean> = words('True', 'False')

/** Booleans in replies of `mgmt.*` (reference: mgmt-dialect, rule 3). */
export const mgmtBoolean: TextForm<boolean> = words('yes', 'no')

/** Booleans in requests: `yes`, `True`, `1`, `on` and their opposites, in any case (reference: admin-api, 4.1). */
export const booleanInput: TextForm<boolean> = scalar('yes|no', parseBoolean, (value) => (value ? 'True' : 'False'))

/** `1` or `0`, as `tag.Get` replies. */
export const oneOrZero: TextForm<boolean> = words('1', '0')

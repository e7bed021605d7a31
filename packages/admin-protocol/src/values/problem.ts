import { msg, ProtocolError } from '@cloister/kit'
import type { TextForm } from '../codec.ts'
import { oneOf } from '../text-forms.ts'
import { escapeText, unescapeText } from './escaped-text.ts'

/** What a problem is about. */
export type ProblemKind = 'domain' | 'pool' | 'kernel' | 'system'

const kinds: readonly ProblemKind[] = ['domain', 'pool', 'kernel', 'system']

/** Something that cannot be used as it is, or that a user has to look at. */
export interface Problem {
  readonly kind: ProblemKind
  /** Name of the domain, pool or kernel, without spaces; empty for the system. */
  readonly name: string
  /** The rest of a sentence that begins with the name: `is paused: no space is left on the host for disk 'vda'`. */
  readonly reason: string
}

const kindWord = oneOf(kinds)

/** A line of `cloister.Problems`; backslashes and newlines of the reason are escaped. */
export const problemLine: TextForm<Problem> = {
  syntax: '<kind> [<name>] <reason>',
  parse(line) {
    const [kind = '', name, ...reason] = line.split(' ')
    if (name === undefined || reason.length === 0) throw new ProtocolError(msg`name and reason are missing`)
    return { kind: kindWord.parse(kind), name, reason: unescapeText(reason.join(' ')) }
  },
  format: ({ kind, name, reason }) => `${kind} ${name} ${escapeText(reason)}`,
}

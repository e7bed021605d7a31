import { msg, ProtocolError } from '@cloister/kit'
import type { TextForm } from '../codec.ts'
import { quoted } from '../quoted.ts'

/** One event (reference: admin-api, 6). */
export interface QubesEvent {
  /** Name of the domain concerned; empty when it is the whole system. */
  readonly subject: string
  readonly name: string
  readonly pairs: readonly (readonly [key: string, value: string])[]
}

/** Always the first event of a stream. */
export const connectionEstablished: QubesEvent = { subject: '', name: 'connection-established', pairs: [] }

const nul = '\0'

function pairsOf(fields: readonly string[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let at = 0; at < fields.length; at += 2) pairs.push([fields[at] ?? '', fields[at + 1] ?? ''])
  return pairs
}

/** An event message without its head `1 NUL` (reference: admin-api, 2.3): every text ended by NUL, one more at the end. */
export const eventForm: TextForm<QubesEvent> = {
  syntax: 'an event message',
  parse(text) {
    const fields = text.split(nul)
    const ends = [fields.pop(), fields.pop()]
    const [subject, name, ...rest] = fields
    if (ends.some((end) => end !== '') || subject === undefined || name === undefined || rest.length % 2 === 1) {
      throw new ProtocolError(msg`an event message is not complete`)
    }
    const pairs = pairsOf(rest)
    if (pairs.some(([key]) => key === '')) throw new ProtocolError(msg`a key of event ${name} is empty`)
    return { subject, name, pairs }
  },
  format({ subject, name, pairs }) {
    const texts = [subject, name, ...pairs.flat()]
    return texts.map((text) => text.replaceAll(nul, '') + nul).join('') + nul
  },
}

/** Which events a subscriber wants: a name, or the beginning of names followed by `*` (reference: mgmt-dialect, Events). */
export const eventPattern: TextForm<string> = {
  syntax: '<pattern>',
  parse(text) {
    if (/^[!-)+-~]*\*?$/.test(text)) return text
    throw new ProtocolError(msg`${quoted(text)} is not a pattern of events: "*" may stand at the end only`)
  },
  format: (pattern) => pattern,
}

/** True when the pattern matches the event's name, and when there is no pattern. */
export function matchesEvent(pattern: string | undefined, name: string): boolean {
  if (pattern === undefined) return true
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

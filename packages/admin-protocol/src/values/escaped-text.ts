import { msg, ProtocolError } from '@cloister/kit'

/** A text within one line of a reply: backslashes and newlines are escaped (reference: admin-api, 3.3). */
export function escapeText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

/** @throws ProtocolError when a backslash stands before any other character than a backslash or an n */
export function unescapeText(escaped: string): string {
  return escaped.replace(/\\([\s\S])?/g, (_, after: string | undefined) => {
    if (after === '\\') return '\\'
    if (after === 'n') return '\n'
    throw new ProtocolError(msg`a backslash must be followed by a backslash or an n`)
  })
}

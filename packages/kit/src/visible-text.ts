/** Control characters (C0, DEL, C1), invisible and bidirectional marks, line and paragraph separators, lone surrogates. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

const names: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\t', '\\t'],
  ['\r', '\\r'],
])

function escaped(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16)
  return names.get(character) ?? (hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`)
}

/**
 * The text on one line, with every character escaped that would move the cursor, recolour or reorder what a reader sees. For
 * texts from requests, guests, files and programs at the doors by which they leave: error replies, the log, the terminal.
 * A text without such characters is returned as it is, so that a text may pass several doors.
 */
export function visibleText(text: string): string {
  return text.replaceAll(unsafe, escaped)
}

/** As `visibleText`, for a text of several lines: line ends and tabs stay. */
export function visibleLines(text: string): string {
  return text.replaceAll(unsafe, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  )
}

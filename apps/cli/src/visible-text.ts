/** Controls (C0, C1, DEL), characters that reorder or hide text, line separators, halves of characters. */
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
 * The text with everything escaped that a terminal would obey or a reader would not see. Names, values, replies and files
 * come from guests and other users: none of them may control the terminal of the person who reads.
 */
export function visible(text: string): string {
  return text.replaceAll(unsafe, escaped)
}

/** As `visible`, for text of several lines, in which tabs stay. */
export function visibleLines(text: string): string {
  return text.replaceAll(unsafe, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  )
}

/** How many columns a text without control characters takes on a terminal. */
export function widthOf(text: string): number {
  return [...text].length
}

/** The text cut to `width` columns, the last one of which is an ellipsis when something was cut. */
export function fitted(text: string, width: number): string {
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, Math.max(width - 1, 0)).join('')}…`
}

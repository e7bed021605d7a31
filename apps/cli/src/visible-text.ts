/** Characters that would move the cursor, recolour or reorder what a terminal shows. */
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
 * Text that stays on its line and looks like what it is. Values come from guests and from whoever may write to the system:
 * none of them may drive the terminal of the person who reads.
 */
export function visible(text: string): string {
  return text.replaceAll(unsafe, escaped)
}

/** As `visible`, for text of several lines. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n')
}

/** How many columns a text without control characters takes. */
export function widthOf(text: string): number {
  return [...text].length
}

/** The text within so many columns, the last one an ellipsis when something was cut. */
export function fitted(text: string, width: number): string {
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, Math.max(width - 1, 0)).join('')}…`
}

/** How many columns a text without control characters takes. */
export function widthOf(text: string): number {
  return [...text].length
}

/** The text cut to `width` columns; the last column is an ellipsis when something was cut. */
export function fitted(text: string, width: number): string {
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, Math.max(width - 1, 0)).join('')}…`
}

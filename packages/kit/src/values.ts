const booleanWords: ReadonlyMap<string, boolean> = new Map([
  ...['0', 'no', 'false', 'off'].map((word) => [word, false] as const),
  ...['1', 'yes', 'true', 'on'].map((word) => [word, true] as const),
])

/** A boolean word in any case (reference: admin-api, 4.1), or undefined. */
export function parseBoolean(text: string): boolean | undefined {
  return booleanWords.get(text.toLowerCase())
}

/** `True` or `False`, as Qubes stores and sends booleans. */
export function booleanWord(value: boolean): 'True' | 'False' {
  return value ? 'True' : 'False'
}

/** An integer as Python's `int()` reads it: white space around, a sign, underscores between digits; or undefined. */
export function parseInteger(text: string): number | undefined {
  const match = /^\s*([+-]?\d+(?:_\d+)*)\s*$/.exec(text)
  if (!match?.[1] || match[1].length > 20) return undefined
  const value = Number(match[1].replaceAll('_', ''))
  return Number.isSafeInteger(value) ? value : undefined
}

/** Plain decimal digits without sign or leading zero, as sizes travel (reference: admin-api, 3.6), or undefined. */
export function parseDecimal(text: string): bigint | undefined {
  return /^(0|[1-9]\d{0,18})$/.test(text) ? BigInt(text) : undefined
}

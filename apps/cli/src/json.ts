/** A value that can be printed as JSON. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json }

/** Controls and what reorders or hides text, apart from the line feeds between the lines of JSON itself. */
const unsafe = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}

/**
 * JSON on one line or, for `indent` spaces, on several. Counts beyond what a reader may take as a number are texts.
 * Characters that a terminal would obey are escaped, which does not change the value.
 */
export function formatJson(value: Json, indent = 0): string {
  return JSON.stringify(value, plain, indent).replaceAll(unsafe, escaped)
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
}

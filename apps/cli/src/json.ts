/** What can be printed as JSON. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json }

/** JSON on one line or, for `indent` spaces, on several; counts beyond what a reader may take as a number are texts. */
export function formatJson(value: Json, indent = 0): string {
  return JSON.stringify(value, plain, indent)
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
}

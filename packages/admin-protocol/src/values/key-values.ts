import { msg, ProtocolError } from '@cloister/kit'
import type { TextForm } from '../codec.ts'
import { quoted } from '../quoted.ts'

/** `key=value` pairs as they stood in a text, each key once. */
export class KeyValues {
  readonly #values: Map<string, string> = new Map()

  /** @throws ProtocolError when a pair has no `=` or a key comes twice */
  constructor(pairs: readonly string[]) {
    for (const pair of pairs) {
      const [key, value] = splitPair(pair)
      if (this.#values.has(key)) throw new ProtocolError(msg`${quoted(key)} is given twice`)
      this.#values.set(key, value)
    }
  }

  /** @throws ProtocolError when the key is missing or its value is not of that form */
  get<T>(key: string, form: TextForm<T>): T {
    const value = this.#values.get(key)
    if (value === undefined) throw new ProtocolError(msg`${key} is missing`)
    return form.parse(value)
  }

  /** As `get`, but undefined when the key is missing. */
  find<T>(key: string, form: TextForm<T>): T | undefined {
    const value = this.#values.get(key)
    return value === undefined ? undefined : form.parse(value)
  }

  /** All pairs but those of the given keys. */
  without(...keys: readonly string[]): Map<string, string> {
    return new Map([...this.#values].filter(([key]) => !keys.includes(key)))
  }
}

/** `key=value` at its first `=`. */
export function splitPair(pair: string): [key: string, value: string] {
  const at = pair.indexOf('=')
  if (at < 1) throw new ProtocolError(msg`${quoted(pair)} is not key=value`)
  return [pair.slice(0, at), pair.slice(at + 1)]
}

/** Pairs as text, without those that have no value. */
export function formatPairs(pairs: readonly (readonly [key: string, value: string | undefined])[]): string[] {
  return pairs.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))
}

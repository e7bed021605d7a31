const place = /\{\{(\w+)(?::(.*?))?\}\}/gs

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/**
 * The values of the placeholders in recorded texts: `{{name:pattern}}` matches a text and keeps it under the name, `{{name}}`
 * stands for the kept text, `{{_:pattern}}` matches a text and does not keep it.
 */
export class Memory {
  readonly #values: Map<string, string>

  constructor(values: ReadonlyMap<string, string> = new Map()) {
    this.#values = new Map(values)
  }

  copy(): Memory {
    return new Memory(this.#values)
  }

  take(other: Memory): void {
    for (const [name, value] of other.#values) this.#values.set(name, value)
  }

  /** A recorded text for a request, with its placeholders replaced. */
  fill(template: string): string {
    return template.replace(place, (_, name: string) => {
      const value = this.#values.get(name)
      if (value === undefined) throw new Error(`the placeholder ${name} has no value, because an earlier step failed`)
      return value
    })
  }

  /** True when a text matches the recorded one; then its placeholders get their values. */
  matches(template: string, text: string): boolean {
    const names: string[] = []
    let pattern = ''
    let from = 0
    for (const match of template.matchAll(place)) {
      pattern += literally(template.slice(from, match.index)) + this.#piece(match[1] ?? '', match[2], names)
      from = match.index + match[0].length
    }
    const found = new RegExp(`^${pattern}${literally(template.slice(from))}$`, 'u').exec(text)
    if (!found) return false
    for (const [index, name] of names.entries()) this.#values.set(name, found[index + 1] ?? '')
    return true
  }

  #piece(name: string, pattern: string | undefined, names: string[]): string {
    if (name === '_') return `(?:${pattern ?? ''})`
    if (names.includes(name)) return `\\${names.indexOf(name) + 1}`
    // A placeholder without a pattern and without a value matches nothing.
    if (pattern === undefined) return this.#values.has(name) ? literally(this.#values.get(name) ?? '') : '(?!)'
    names.push(name)
    return `(${pattern})`
  }
}

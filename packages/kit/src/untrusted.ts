/**
 * A value from outside that nobody has looked at: from a socket, a guest, a file that people edit, a program's output.
 * The only way in is a parser, which makes a typed value of it or throws; parsers reject, they never repair.
 */
export class Untrusted<T> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** Hands the raw value to `parser`. */
  parse<R>(parser: (value: T) => R): R {
    return parser(this.#value)
  }
}

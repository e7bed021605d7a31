/**
 * A value from outside that has not been checked: from a socket, a guest, a file that users edit, the output of a program. It can only
 * be read by a parser, which returns a typed value or throws. Parsers reject wrong values; they never repair them.
 */
export class Untrusted<T> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** Calls `parser` with the raw value. */
  parse<R>(parser: (value: T) => R): R {
    return parser(this.#value)
  }
}

import { CloisterError, utf8 } from '@cloister/kit'

/** A parser that is fed with anything. */
export interface FuzzedParser {
  readonly name: string
  /** Inputs that are as they should be: others are made from them. */
  readonly seeds: readonly Uint8Array[]
  readonly parse: (input: Uint8Array) => unknown
  /** Errors that it may throw beside those of `CloisterError`. */
  readonly errors?: readonly (new (
    ...args: never[]
  ) => Error)[]
}

const decoder = new TextDecoder()

/** A parser of text. What is not UTF-8 reaches it with U+FFFD in the place of each wrong byte. */
export function textParser(
  name: string,
  seeds: readonly string[],
  parse: (text: string) => unknown,
  errors: FuzzedParser['errors'] = [],
): FuzzedParser {
  return { name, seeds: seeds.map(utf8), parse: (input) => parse(decoder.decode(input)), errors }
}

/** Whether a parser may throw this. */
export function isTyped({ errors = [] }: FuzzedParser, error: unknown): boolean {
  return error instanceof CloisterError || errors.some((one) => error instanceof one)
}

/** The same bytes in pieces, whose lengths the bytes themselves decide: as a socket might deliver them. */
export function* inPieces(input: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < input.length; ) {
    const length = 1 + ((input[at] ?? 0) % 97) * (1 + (at % 31))
    yield input.subarray(at, at + length)
    at += length
  }
}

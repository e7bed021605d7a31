import {
  booleanWord,
  type Message,
  msg,
  parseBoolean,
  parseInteger,
  QubesPropertyValueError,
  QubesValueError,
} from '@cloister/kit'
import type { Property } from './property.ts'

/** Options of a property beside its kind. */
export interface PropertyOptions<O, V> {
  readonly name: string
  readonly help: string
  readonly stage?: 3 | 4
  readonly writable?: 'once' | 'never'
  readonly clone?: false
  /** Name of the template's property that is the default; `true` for the property of the same name. */
  readonly inherits?: true | string
  readonly systemDefault?: string
  readonly required?: true
  readonly perInstance?: true
  readonly tagged?: true
  /** The default; a property without this option has none. */
  fallback?(owner: O): V | undefined
  check?(owner: O, value: V): void
  verify?(owner: O, value: V): Promise<void>
  checkReset?(owner: O): void
  normal?(owner: O, value: V): V
}

/** Builds a property from its options and its kind. */
export function complete<O, V>(
  options: PropertyOptions<O, V>,
  kind: Pick<Property<O, V>, 'type' | 'parse' | 'format'>,
): Property<O, V> {
  const { fallback, inherits, ...rest } = options
  return {
    stage: 2,
    writable: 'always',
    clone: true,
    inherits: inherits === true ? options.name : inherits,
    systemDefault: undefined,
    required: false,
    perInstance: false,
    tagged: false,
    ...rest,
    ...kind,
    hasDefault: fallback !== undefined,
    fallback: (owner) => fallback?.(owner),
  }
}

/** A text. `parse` may check its form. */
export function strProperty<O>(
  options: PropertyOptions<O, string | null> & { parse?(owner: O, text: string): string },
): Property<O, string | null> {
  const { parse, ...rest } = options
  return complete(rest, {
    type: 'str',
    parse: (owner, text) => parse?.(owner, text) ?? text,
    format: (value) => value ?? '',
  })
}

/** A text that must match `pattern`; `what` says what it must be. */
export function patternParser(pattern: RegExp, what: string): (owner: unknown, text: string) => string {
  return (_owner, text) => {
    if (!pattern.test(text)) throw new QubesPropertyValueError(msg`Invalid value ${JSON.stringify(text)}: ${what}`)
    return text
  }
}

/** The error text for a text that is not a valid integer. */
function noInteger(name: string, text: string): Message {
  if (!/^\s*[+-]?\d+(_\d+)*\s*$/.test(text)) return msg`${name} must be an integer, not ${JSON.stringify(text)}`
  return msg`${name} must be between ${Number.MIN_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER}`
}

/** An integer of at least `least`. */
export function intProperty<O>(
  options: PropertyOptions<O, number | null> & { readonly least?: number },
): Property<O, number | null> {
  const { least, ...rest } = options
  return complete(rest, {
    type: 'int',
    parse: (_owner, text) => {
      const value = parseInteger(text)
      if (value === undefined) throw new QubesValueError(noInteger(options.name, text))
      if (least !== undefined && value < least)
        throw new QubesPropertyValueError(msg`${options.name} must be at least ${least}, not ${value}`)
      return value
    },
    format: (value) => (value === null ? '' : String(value)),
  })
}

export function boolProperty<O>(options: PropertyOptions<O, boolean>): Property<O, boolean> {
  return complete(options, {
    type: 'bool',
    parse: (_owner, text) => {
      const value = parseBoolean(text)
      if (value === undefined)
        throw new QubesValueError(msg`${options.name} must be True or False, not ${JSON.stringify(text)}`)
      return value
    },
    format: booleanWord,
  })
}

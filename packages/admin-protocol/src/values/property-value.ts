import { asciiText, msg, ProtocolError, QubesValueError, utf8 } from '@cloister/kit'
import type { InputCodec, TextForm } from '../codec.ts'
import { joinLines, oneOf, splitLines } from '../text-forms.ts'
import { adminBoolean } from './boolean-words.ts'
import { escapeText, unescapeText } from './escaped-text.ts'

/** Types of properties on the wire (reference: admin-api, 4.1). */
export type PropertyType = 'str' | 'int' | 'bool' | 'vm' | 'label'

const types: readonly PropertyType[] = ['str', 'int', 'bool', 'vm', 'label']

/** A value with its type; None is the empty text, booleans are `True` and `False` in every dialect. */
export interface TypedValue {
  readonly type: PropertyType
  readonly value: string
}

/** Value of a property. */
export interface PropertyValue extends TypedValue {
  /** No value is stored for it. */
  readonly isDefault: boolean
}

/** One property in the reply of `GetAll`. */
export interface NamedPropertyValue extends PropertyValue {
  readonly name: string
}

const typeWord = oneOf(types)

function translate({ type, value }: TypedValue, from: TextForm<boolean>, to: TextForm<boolean>): string {
  return type === 'bool' && value !== '' ? to.format(from.parse(value)) : value
}

/** `type=<type> <value>`, with the dialect's words for booleans. */
function typedValue(words: TextForm<boolean>): TextForm<TypedValue> {
  return {
    syntax: 'type=<type> <value>',
    parse(text) {
      const match = /^type=([a-z]+) ([\s\S]*)$/.exec(text)
      if (match === null) throw new ProtocolError(msg`type= and a space are missing`)
      const type = typeWord.parse(match[1] ?? '')
      return { type, value: translate({ type, value: match[2] ?? '' }, words, adminBoolean) }
    },
    format: (typed) => `type=${typed.type} ${translate(typed, adminBoolean, words)}`,
  }
}

/** Reply of `property.Get`; the value runs to the end and may hold spaces. */
export function propertyValue(words: TextForm<boolean>): TextForm<PropertyValue> {
  const typed = typedValue(words)
  return {
    syntax: `default=${words.syntax} ${typed.syntax}`,
    parse(text) {
      const match = /^default=([A-Za-z]+) ([\s\S]*)$/.exec(text)
      if (match === null) throw new ProtocolError(msg`default= is missing`)
      return { isDefault: words.parse(match[1] ?? ''), ...typed.parse(match[2] ?? '') }
    },
    format: (value) => `default=${words.format(value.isDefault)} ${typed.format(value)}`,
  }
}

/** Reply of `property.GetDefault`. */
export const defaultValue: TextForm<TypedValue> = typedValue(adminBoolean)

/** Reply of `property.GetAll`: a line a property, backslashes and newlines of values escaped (reference: admin-api, 3.3). */
export const propertyListing: TextForm<readonly NamedPropertyValue[]> = {
  syntax: '<property> default=True|False type=<type> <value>\\n…',
  parse: (text) => splitLines(text).map(parseListed),
  format: (items) => joinLines(items.map((item) => `${item.name} ${escapeText(inAdmin.format(item))}`)),
}

const inAdmin = propertyValue(adminBoolean)

function parseListed(line: string): NamedPropertyValue {
  const at = line.indexOf(' ')
  if (at < 1) throw new ProtocolError(msg`the name of the property is missing`)
  return { name: line.slice(0, at), ...inAdmin.parse(unescapeText(line.slice(at + 1))) }
}

/**
 * Payload of `property.Set`: printable ASCII, tab and newline; the characters that break lines in clients (CR, VT, FF) are
 * refused. The property checks the value later (reference: admin-api, 4.1).
 */
export const newPropertyValue: InputCodec<string> = {
  presence: 'optional',
  syntax: '<value>',
  decode(bytes) {
    const text = asciiText(bytes)
    if (text === undefined || !/^[\t\n -~]*$/.test(text)) {
      throw new QubesValueError(msg`a value of a property holds printable ASCII characters only`)
    }
    return text
  },
  encode: utf8,
}

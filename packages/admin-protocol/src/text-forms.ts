import { type CloisterError, type Message, msg, ProtocolError } from '@cloister/kit'
import type { TextForm } from './codec.ts'
import { quoted } from './quoted.ts'

/** Any text, as it is. */
export function anyText(syntax: string): TextForm<string> {
  return { syntax, parse: (text) => text, format: (text) => text }
}

/** Text that matches a pattern as a whole. */
export function matching(
  syntax: string,
  pattern: RegExp,
  failure: new (text: Message) => CloisterError = ProtocolError,
): TextForm<string> {
  return {
    syntax,
    parse(text) {
      if (!pattern.test(text)) throw new failure(msg`${quoted(text)} is not ${syntax}`)
      return text
    },
    format: (text) => text,
  }
}

/** One of a few words. */
export function oneOf<W extends string>(words: readonly W[]): TextForm<W> {
  return {
    syntax: words.join('|'),
    parse(text) {
      const word = words.find((candidate) => candidate === text)
      if (word === undefined) throw new ProtocolError(msg`${quoted(text)} is none of ${words.join(', ')}`)
      return word
    },
    format: (word) => word,
  }
}

/** A form made of a function that returns undefined for a text that it refuses. */
export function scalar<T>(
  syntax: string,
  parse: (text: string) => T | undefined,
  format: (value: T) => string = String,
): TextForm<T> {
  return {
    syntax,
    parse(text) {
      const value = parse(text)
      if (value === undefined) throw new ProtocolError(msg`${quoted(text)} is not ${syntax}`)
      return value
    },
    format,
  }
}

/** The same form, without white space around the text. */
export function trimmed<T>(form: TextForm<T>): TextForm<T> {
  return { ...form, parse: (text) => form.parse(text.trim()) }
}

/** The same form, with the empty text for undefined. */
export function orEmpty<T>(form: TextForm<T>): TextForm<T | undefined> {
  return {
    syntax: `[${form.syntax}]`,
    parse: (text) => (text === '' ? undefined : form.parse(text)),
    format: (value) => (value === undefined ? '' : form.format(value)),
  }
}

/** Splits text of which each line ends with a newline. */
export function splitLines(text: string): string[] {
  if (text === '') return []
  if (!text.endsWith('\n')) throw new ProtocolError(msg`the last line does not end with a newline`)
  return text.slice(0, -1).split('\n')
}

/** Joins lines, each ended by a newline. */
export function joinLines(texts: readonly string[]): string {
  const broken = texts.find((text) => text.includes('\n'))
  if (broken !== undefined) throw new ProtocolError(msg`${quoted(broken)} cannot stand in one line`)
  return texts.length === 0 ? '' : `${texts.join('\n')}\n`
}

/** A list, one item a line, each line ended by a newline (reference: admin-api, 2.2). */
export function lines<T>(form: TextForm<T>): TextForm<readonly T[]> {
  return {
    syntax: `${form.syntax}\\n…`,
    parse: (text) => splitLines(text).map((line) => form.parse(line)),
    format: (items) => joinLines(items.map((item) => form.format(item))),
  }
}

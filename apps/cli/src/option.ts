import { UsageError } from './cli-error.ts'
import type { Completion, OptionSpec } from './command.ts'
import { checkedName, checkedWord } from './name-check.ts'

// The kinds of options of a command line.

interface More {
  readonly short?: string
  readonly complete?: Completion
}

/** An option without a value; true when it is given. */
export function flag(help: string, more: More = {}): OptionSpec<boolean> {
  return { help, ...more, read: (given) => given.length > 0 }
}

/** Any text, or a name where `complete` says so; of several the last one counts. */
export function text(value: string, help: string, more: More = {}): OptionSpec<string | undefined> {
  return {
    value,
    help,
    ...more,
    read: (given, name) => {
      const last = given.at(-1)
      return last === undefined ? undefined : checkedWord(last, name, more.complete)
    },
  }
}

/** Texts; the option may be given several times. */
export function texts(value: string, help: string, more: More = {}): OptionSpec<readonly string[]> {
  return { value, help: `${help}; may be repeated`, ...more, read: (given) => given }
}

/** Words with commas between them; the option may be given several times. */
export function words(value: string, help: string, more: More = {}): OptionSpec<readonly string[]> {
  return { value, help, ...more, read: (given) => given.flatMap((list) => list.split(',')).filter(Boolean) }
}

/** A value that `parse` reads. Undefined from `parse` is an error, in which `wanted` describes a correct value. */
export function parsed<T>(
  value: string,
  help: string,
  parse: (text: string) => T | undefined,
  wanted: string,
  more: More = {},
): OptionSpec<T | undefined> {
  return {
    value,
    help,
    ...more,
    read: (given, name) => {
      const last = given.at(-1)
      if (last === undefined) return undefined
      const result = parse(last)
      if (result === undefined) throw new UsageError(`${name} takes ${wanted}, not "${last}"`)
      return result
    },
  }
}

/** One of a few words. */
export function choice<C extends string>(
  value: string,
  help: string,
  choices: readonly C[],
  more: More = {},
): OptionSpec<C | undefined> {
  const parse = (given: string): C | undefined => choices.find((one) => one === given)
  return parsed(value, `${help}: ${choices.join(', ')}`, parse, choices.join(' or '), { complete: choices, ...more })
}

/** `KEY=VALUE`, each key once; the option may be given several times. */
export function pairs(value: string, help: string, more: More = {}): OptionSpec<ReadonlyMap<string, string>> {
  return {
    value,
    help: `${help}; may be repeated`,
    ...more,
    read: (given, name) => {
      const map = new Map<string, string>()
      for (const pair of given) {
        const at = pair.indexOf('=')
        if (at < 1) throw new UsageError(`${name} takes ${value}, not "${pair}"`)
        const key = pair.slice(0, at)
        checkedName(key, `${name} ${value.split('=')[0]}`)
        if (map.has(key)) throw new UsageError(`${name} is given twice for ${key}`)
        map.set(key, pair.slice(at + 1))
      }
      return map
    },
  }
}

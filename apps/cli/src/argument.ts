import type { ArgumentSpec, Completion } from './command.ts'

// The kinds of words on a command line. That words are there when they must is checked before they are read.

function last(given: readonly string[]): string | undefined {
  return given.at(-1)
}

/** A word that must be there. */
export function required(value: string, help: string, complete?: Completion): ArgumentSpec<string> {
  return { value, help, ...spread(complete), required: true, several: false, read: (given) => last(given) ?? '' }
}

/** A word that may be left out. */
export function optional(value: string, help: string, complete?: Completion): ArgumentSpec<string | undefined> {
  return { value, help, ...spread(complete), required: false, several: false, read: last }
}

/** One word or more. */
export function several(value: string, help: string, complete?: Completion): ArgumentSpec<readonly string[]> {
  return { value, help, ...spread(complete), required: true, several: true, read: (given) => given }
}

/** Any number of words, or none. */
export function any(value: string, help: string, complete?: Completion): ArgumentSpec<readonly string[]> {
  return { value, help, ...spread(complete), required: false, several: true, read: (given) => given }
}

function spread(complete: Completion | undefined): { complete?: Completion } {
  return complete === undefined ? {} : { complete }
}

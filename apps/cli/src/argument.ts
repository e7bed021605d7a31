import type { ArgumentSpec, Completion } from './command.ts'
import { checkedDomainName, checkedName, checkedWord } from './name-check.ts'

// The kinds of arguments of a command line. The parser has checked that the required ones are there before they are read.

/** An argument that must be given. */
export function required(value: string, help: string, complete?: Completion): ArgumentSpec<string> {
  return {
    value,
    help,
    ...spread(complete),
    required: true,
    several: false,
    read: (given, name) => checkedWord(given.at(-1) ?? '', name, complete),
  }
}

/** The name of something that is made. */
export function newName(value: string, help: string): ArgumentSpec<string> {
  const read: ArgumentSpec<string>['read'] = (given, name) => checkedName(given.at(-1) ?? '', name)
  return { value, help, required: true, several: false, read }
}

/** The name of a domain that is made. */
export function newDomain(value: string, help: string): ArgumentSpec<string> {
  const read: ArgumentSpec<string>['read'] = (given, name) => checkedDomainName(given.at(-1) ?? '', name)
  return { value, help, required: true, several: false, read }
}

/** An argument that may be left out. */
export function optional(value: string, help: string, complete?: Completion): ArgumentSpec<string | undefined> {
  return {
    value,
    help,
    ...spread(complete),
    required: false,
    several: false,
    read: (given, name) => {
      const last = given.at(-1)
      return last === undefined ? undefined : checkedWord(last, name, complete)
    },
  }
}

/** One argument or more of a kind. */
export function several(value: string, help: string, complete?: Completion): ArgumentSpec<readonly string[]> {
  return { ...any(value, help, complete), required: true }
}

/** Any number of arguments of a kind. */
export function any(value: string, help: string, complete?: Completion): ArgumentSpec<readonly string[]> {
  return {
    value,
    help,
    ...spread(complete),
    required: false,
    several: true,
    read: (given, name) => given.map((text) => checkedWord(text, name, complete)),
  }
}

function spread(complete: Completion | undefined): { complete?: Completion } {
  return complete === undefined ? {} : { complete }
}

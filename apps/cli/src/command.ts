import type { Context } from './context.ts'

/** What a shell offers for a word: one of a few words, or something that has to be looked up. */
export type Completion =
  | readonly string[]
  | 'class'
  | 'domain'
  | 'driver'
  | 'feature'
  | 'file'
  | 'folder'
  | 'label'
  | 'pool'
  | 'property'
  | 'revision'
  | 'tag'
  | 'template'
  | 'volume'

/** The texts given for arguments and options, by key; a flag that is given is one empty text. */
export type Given = ReadonlyMap<string, readonly string[]>

/** A part of a command line that becomes a value. */
export interface Readable<T> {
  readonly help: string
  readonly complete?: Completion
  /** @throws UsageError; `name` is what a person calls it: `--size` */
  read(given: readonly string[], name: string): T
}

/** A word of the command line. */
export interface ArgumentSpec<T = unknown> extends Readable<T> {
  /** How it is called in help: `DOMAIN`. */
  readonly value: string
  readonly required: boolean
  readonly several: boolean
}

/** An option of the command line; its key in camel case is its long name. */
export interface OptionSpec<T = unknown> extends Readable<T> {
  readonly short?: string
  /** How its value is called in help; a flag has none. */
  readonly value?: string
}

/** How a command may be used: what is typed after `cloister`, and what that does. */
export type Example = readonly [line: string, meaning: string]

type Specs = Readonly<Record<string, Readable<unknown>>>

/** The values that specs stand for. */
export type ValuesOf<S> = { readonly [K in keyof S]: S[K] extends Readable<infer T> ? T : never }

interface Documented {
  /** Paragraphs; the first one alone must do for somebody in a hurry. */
  readonly description: readonly string[]
  readonly examples: readonly Example[]
}

/** A command as its file writes it down. */
export interface Definition<A, O> extends Documented {
  readonly arguments: A
  readonly options: O
  run(context: Context, args: ValuesOf<A>, options: ValuesOf<O>): Promise<void>
}

/** A command: help, completion, manual pages and the parser are made from this. */
export interface Command extends Documented {
  readonly arguments: Readonly<Record<string, ArgumentSpec>>
  readonly options: Readonly<Record<string, OptionSpec>>
  run(context: Context, args: Given, options: Given): Promise<void>
}

/** A noun whose commands are verbs: `cloister volume ls`. */
export interface CommandGroup extends Documented {
  readonly commands: readonly Entry<Command>[]
}

/** A command under its name. */
export interface Entry<C> {
  readonly name: string
  /** Half a line for lists of commands. */
  readonly summary: string
  /** For programs; not in help. */
  readonly hidden?: boolean
  readonly command: C
}

/** The long name of an option on the command line. */
export function longName(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** The values of arguments or options. @throws UsageError */
export function readAll<S extends Specs>(
  specs: S,
  given: Given,
  nameOf: (key: string) => string = longName,
): ValuesOf<S> {
  const values = Object.entries(specs).map(([key, spec]) => [key, spec.read(given.get(key) ?? [], nameOf(key))])
  // Keys and types are those of the specs, which the compiler cannot follow through entries.
  return Object.fromEntries(values) as ValuesOf<S>
}

/** Makes a command that reads its values before it runs. */
export function defineCommand<
  A extends Readonly<Record<string, ArgumentSpec>>,
  O extends Readonly<Record<string, OptionSpec>>,
>(definition: Definition<A, O>): Command {
  return {
    ...definition,
    run: (context, args, options) =>
      definition.run(
        context,
        readAll(definition.arguments, args, (key) => definition.arguments[key]?.value ?? key),
        readAll(definition.options, options),
      ),
  }
}

import type { Context } from './context.ts'

/** How a shell completes an argument: from a few words, or from names of a kind, which the daemon lists. */
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

/** An argument or option: how its texts become a value. */
export interface Readable<T> {
  readonly help: string
  readonly complete?: Completion
  /** @throws UsageError; `name` is how messages call it: `--size`, `DOMAIN` */
  read(given: readonly string[], name: string): T
}

/** An argument of a command. */
export interface ArgumentSpec<T = unknown> extends Readable<T> {
  /** Its name in help: `DOMAIN`. */
  readonly value: string
  readonly required: boolean
  readonly several: boolean
}

/** An option of the command line; its key in camel case is its long name. */
export interface OptionSpec<T = unknown> extends Readable<T> {
  readonly short?: string
  /** The name of its value in help; a flag has none. */
  readonly value?: string
}

/** An example: a command line, and what it does. */
export type Example = readonly [line: string, meaning: string]

type Specs = Readonly<Record<string, Readable<unknown>>>

/** The values that specs stand for. */
export type ValuesOf<S> = { readonly [K in keyof S]: S[K] extends Readable<infer T> ? T : never }

interface Documented {
  /** Paragraphs; the first one says what the command does. */
  readonly description: readonly string[]
  readonly examples: readonly Example[]
}

/** The definition of a command in its own file. */
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

/** Commands about one kind of object: `cloister volume ls`. */
export interface CommandGroup extends Documented {
  readonly commands: readonly Entry<Command>[]
}

/** A command under its name. */
export interface Entry<C> {
  readonly name: string
  /** A short text for lists of commands. */
  readonly summary: string
  /** True for a command that only programs run: help does not show it. */
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

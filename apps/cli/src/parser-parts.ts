import { type Command as CommanderCommand, Option } from 'commander'
import { type ArgumentSpec, type Command, type Given, longName, type OptionSpec } from './command.ts'

// Translates definitions into the parser's own, and what the parser found into the texts that definitions read.

type Specs = Readonly<Record<string, OptionSpec>>

/** The syntax of an argument in help: `<DOMAIN...>`, `[VALUE]`. */
export function argumentSyntax({ value, required, several }: ArgumentSpec): string {
  const name = several ? `${value}...` : value
  return required ? `<${name}>` : `[${name}]`
}

/** The syntax of an option in help: `-q, --quiet`, `--socket <PATH>`. */
function optionSyntax(key: string, { short, value }: OptionSpec): string {
  const flags = short === undefined ? longName(key) : `-${short}, ${longName(key)}`
  return value === undefined ? flags : `${flags} <${value}>`
}

/** The parser's definition of an option. */
export function optionOf(key: string, spec: OptionSpec): Option {
  const option = new Option(optionSyntax(key, spec), spec.help)
  return spec.value === undefined
    ? option
    : option.argParser<readonly string[]>((text, previous = []) => [...previous, text])
}

/** The texts that an option was given. The parser treats a flag like `--no-header` as the absence of `--header`. */
function givenTo(parser: CommanderCommand, option: Option): readonly string[] {
  const value: unknown = parser.getOptionValue(option.attributeName())
  if (Array.isArray(value)) return value.map(String)
  return value === !option.negate ? [''] : []
}

/** The texts that options were given, by key. */
export function givenOptions(parser: CommanderCommand, specs: Specs): Given {
  const options = new Map(parser.options.map((option) => [option.long, option]))
  return new Map(
    Object.keys(specs).map((key) => {
      const option = options.get(longName(key))
      return [key, option === undefined ? [] : givenTo(parser, option)]
    }),
  )
}

/** The texts that arguments were given, by key. */
export function givenArguments(values: readonly unknown[], specs: Command['arguments']): Given {
  const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [String(value)])
  return new Map(Object.keys(specs).map((key, at) => [key, values[at] === undefined ? [] : texts(values[at])] as const))
}

import { type Command as CommanderCommand, Option } from 'commander'
import { type ArgumentSpec, type Command, type Given, longName, type OptionSpec } from './command.ts'

// From specs to what the parser takes, and from what the parser found to the texts that specs read.

type Specs = Readonly<Record<string, OptionSpec>>

/** An argument as help shows it: `<DOMAIN...>`, `[VALUE]`. */
export function argumentSyntax({ value, required, several }: ArgumentSpec): string {
  const name = several ? `${value}...` : value
  return required ? `<${name}>` : `[${name}]`
}

/** The flags of an option as help shows them: `-q, --quiet`, `--socket <PATH>`. */
function optionSyntax(key: string, { short, value }: OptionSpec): string {
  const flags = short === undefined ? longName(key) : `-${short}, ${longName(key)}`
  return value === undefined ? flags : `${flags} <${value}>`
}

/** An option as the parser takes it. */
export function optionOf(key: string, spec: OptionSpec): Option {
  const option = new Option(optionSyntax(key, spec), spec.help)
  return spec.value === undefined
    ? option
    : option.argParser<readonly string[]>((text, previous = []) => [...previous, text])
}

/** The texts that an option was given. A flag like `--no-header` is, to the parser, the absence of `--header`. */
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

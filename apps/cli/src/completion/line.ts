import { type ArgumentSpec, type Command, type Completion, longName, type OptionSpec } from '../command.ts'
import { commandList, isGroup } from '../command-list.ts'
import { globalOptions } from '../global-options.ts'

/** A completion of the last word. */
export interface Candidate {
  readonly value: string
  readonly description: string
}

/** How the last word is completed: by words that are known here, or by words of a kind that the daemon lists. */
export type Question =
  | { readonly candidates: readonly Candidate[] }
  | {
      readonly kind: Exclude<Completion, readonly string[]>
      /** Arguments that stand before the last word, by key. */
      readonly given: ReadonlyMap<string, string>
      /** Keys of the options that stand before it. */
      readonly options: ReadonlySet<string>
    }

type OptionSpecs = Readonly<Record<string, OptionSpec>>

const nothing: Question = { candidates: [] }

function commandCandidates(): readonly Candidate[] {
  const help = { value: 'help', description: 'explain a command' }
  return [...commandList.map(({ name, summary }) => ({ value: name, description: summary })), help]
}

function optionCandidates(specs: OptionSpecs): readonly Candidate[] {
  const all = { ...specs, ...globalOptions }
  const options = Object.entries(all).map(([key, { help }]) => ({ value: longName(key), description: help }))
  return [...options, { value: '--help', description: 'explain the command' }]
}

function optionOf(word: string, specs: OptionSpecs): readonly [key: string, spec: OptionSpec] | undefined {
  return Object.entries(specs).find(([key, { short }]) => word === longName(key) || word === `-${short}`)
}

/** The words before the last one, parsed as far as that decides on the last one. */
interface Line {
  readonly operands: readonly string[]
  readonly options: ReadonlySet<string>
  /** The option whose value is the next word. */
  readonly awaiting: OptionSpec | undefined
  /** After `--` there are no options. */
  readonly isPlain: boolean
}

function readLine(words: readonly string[], specs: OptionSpecs): Line {
  const operands: string[] = []
  const options = new Set<string>()
  let awaiting: OptionSpec | undefined
  let isPlain = false
  for (const word of words) {
    if (awaiting !== undefined) awaiting = undefined
    else if (isPlain || !word.startsWith('-') || word === '-') operands.push(word)
    else if (word === '--') isPlain = true
    else {
      const [key, spec] = optionOf(word, specs) ?? []
      if (key !== undefined) options.add(key)
      awaiting = spec?.value === undefined ? undefined : spec
    }
  }
  return { operands, options, awaiting, isPlain }
}

function ask(complete: Completion | undefined, args: Command['arguments'], line: Line): Question {
  if (complete === undefined) return nothing
  if (typeof complete !== 'string') return { candidates: complete.map((value) => ({ value, description: '' })) }
  const keys = Object.keys(args)
  const given = new Map(line.operands.map((operand, at) => [keys[at] ?? '', operand] as const))
  return { kind: complete, given, options: line.options }
}

function argumentAt(args: Command['arguments'], at: number): ArgumentSpec | undefined {
  const specs = Object.values(args)
  const last = specs.at(-1)
  return specs[at] ?? (last?.several === true ? last : undefined)
}

/** How the last of the words after `cloister` is completed. */
export async function questionOf(words: readonly string[]): Promise<Question> {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const first = readLine(before, globalOptions)
  if (first.awaiting !== undefined) return ask(first.awaiting.complete, {}, first)
  const [name] = first.operands
  if (name === undefined || name === 'help') {
    return { candidates: current.startsWith('-') ? optionCandidates({}) : commandCandidates() }
  }
  const listed = commandList.find((one) => one.name === name)
  if (listed === undefined) return nothing
  const found = await listed.load()
  const rest = before.slice(before.indexOf(name) + 1)
  if (!isGroup(found)) return within(found, rest, current)
  const verb = readLine(rest, globalOptions).operands[0]
  const entry = found.commands.find((one) => one.name === verb)
  if (entry !== undefined) return within(entry.command, rest.slice(rest.indexOf(entry.name) + 1), current)
  const verbs = found.commands.filter(({ hidden }) => hidden !== true)
  return verb === undefined
    ? { candidates: verbs.map((one) => ({ value: one.name, description: one.summary })) }
    : nothing
}

function within(command: Command, words: readonly string[], current: string): Question {
  const line = readLine(words, { ...command.options, ...globalOptions })
  if (line.awaiting !== undefined) return ask(line.awaiting.complete, command.arguments, line)
  if (current.startsWith('-') && !line.isPlain) return { candidates: optionCandidates(command.options) }
  return ask(argumentAt(command.arguments, line.operands.length)?.complete, command.arguments, line)
}

import { Argument, Command as CommanderCommand, CommanderError } from 'commander'
import { ReportedError, UsageError } from './cli-error.ts'
import { paint, wantsColour } from './colour.ts'
import type { Command, CommandGroup, Example, Given } from './command.ts'
import { commandList, helpHeading, isGroup, type ListedCommand } from './command-list.ts'
import { exitStatus } from './exit-status.ts'
import { globalOptions } from './global-options.ts'
import type { TextStream } from './output.ts'
import { argumentSyntax, givenArguments, givenOptions, optionOf } from './parser-parts.ts'
import { version } from './version.ts'

/** A command as it was given on the command line. */
export interface Invocation {
  readonly command: Command
  readonly arguments: Given
  readonly options: Given
  readonly globals: Given
}

/** Shells run it. It imports the list of commands, which therefore cannot import it. */
const complete: ListedCommand = {
  name: 'complete',
  summary: 'print the completions of a word',
  heading: helpHeading,
  hidden: true,
  load: async () => (await import('./commands/complete.ts')).complete,
}
const everyCommand: readonly ListedCommand[] = [...commandList, complete]

export interface ProgramOptions {
  readonly stdout: TextStream
  readonly stderr: TextStream
  readonly environment: Readonly<Record<string, string | undefined>>
  perform(invocation: Invocation): Promise<void>
}

function examplesText(examples: readonly Example[], colour: boolean): string {
  if (examples.length === 0) return ''
  const lines = examples.map(([line, meaning]) => `  ${line}\n      ${meaning}`)
  const title = colour ? paint('bold', 'Examples:') : 'Examples:'
  return `\n${title}\n${lines.join('\n')}`
}

/** The parser of a command line, made from the definitions of the commands. */
class Program {
  readonly #options: ProgramOptions
  readonly #parser: CommanderCommand = new CommanderCommand('cloister')

  constructor(options: ProgramOptions) {
    this.#options = options
    const { stdout, stderr } = options
    const parser = this.#parser
    parser.exitOverride().configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: () => undefined,
      getOutHasColors: () => this.#wantsColour(stdout),
      getErrHasColors: () => this.#wantsColour(stderr),
    })
    parser.configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) => command.name(),
      styleTitle: (title) => paint('bold', title),
      styleCommandText: (name) => paint('bold', name),
      styleSubcommandText: (name) => paint('cyan', name),
      styleOptionText: (name) => paint('cyan', name),
      styleArgumentText: (name) => paint('cyan', name),
    })
    parser.description('Manages isolated domains on this host.')
    parser.version(`cloister ${version}`, '--version', 'print the version')
    parser.helpOption('-h, --help', 'explain a command').helpCommand(false)
    parser.addHelpText(
      'after',
      '\n`cloister help COMMAND` explains a command, with examples; so does `man cloister-COMMAND`.',
    )
    for (const [key, spec] of Object.entries(globalOptions)) parser.addOption(optionOf(key, spec))
    for (const listed of everyCommand) this.#list(listed)
    this.#listHelp()
    parser.hook('preSubcommand', (_, chosen) => this.#prepare(chosen))
  }

  /** Parses the command line and runs its command. @throws CommanderError */
  async run(words: readonly string[]): Promise<void> {
    await this.#parser.parseAsync([...words], { from: 'user' })
  }

  #list({ name, summary, heading, hidden = false }: ListedCommand): void {
    this.#parser.command(name, { hidden }).summary(summary).helpGroup(heading)
  }

  /** Adds the command `help`: `cloister help volume ls` is the same as `cloister volume ls --help`. */
  #listHelp(): void {
    this.#parser
      .command('help')
      .summary('explain a command')
      .helpGroup(helpHeading)
      .addArgument(new Argument('[COMMAND...]', 'the command'))
      .action(async (names: readonly string[]) => {
        const colour = givenOptions(this.#parser, globalOptions).get('color') ?? []
        const choice = colour.flatMap((when) => ['--color', when])
        await new Program(this.#options).run([...choice, ...names, '--help'])
      })
  }

  /** Loads the module of the command that was chosen. */
  async #prepare(chosen: CommanderCommand): Promise<void> {
    const listed = everyCommand.find(({ name }) => name === chosen.name())
    if (listed === undefined) return
    const command = await listed.load()
    if (isGroup(command)) this.#fillGroup(chosen, command)
    else this.#fill(chosen, command)
  }

  #fillGroup(parser: CommanderCommand, group: CommandGroup): void {
    this.#document(parser, group)
    parser.helpCommand(false)
    for (const { name, summary, hidden = false, command } of group.commands) {
      this.#fill(parser.command(name, { hidden }).summary(summary), command)
    }
  }

  #fill(parser: CommanderCommand, command: Command): void {
    this.#document(parser, command)
    for (const spec of Object.values(command.arguments)) {
      parser.addArgument(new Argument(argumentSyntax(spec), spec.help))
    }
    for (const [key, spec] of Object.entries(command.options)) parser.addOption(optionOf(key, spec))
    parser.action(async () => {
      await this.#options.perform({
        command,
        arguments: givenArguments(parser.processedArgs, command.arguments),
        options: givenOptions(parser, command.options),
        globals: givenOptions(this.#parser, globalOptions),
      })
    })
  }

  #document(parser: CommanderCommand, { description, examples }: Command | CommandGroup): void {
    parser.description(description.join('\n\n'))
    parser.addHelpText('after', ({ error }) =>
      examplesText(examples, this.#wantsColour(error ? this.#options.stderr : this.#options.stdout)),
    )
  }

  #wantsColour(stream: TextStream): boolean {
    const choice = globalOptions.color.read(givenOptions(this.#parser, globalOptions).get('color') ?? [], '--color')
    return wantsColour({
      choice: choice ?? 'auto',
      isTerminal: stream.isTTY === true,
      environment: this.#options.environment,
    })
  }
}

/** The parser's message, `error: unknown option '--x'\n(Did you mean --y?)`, as an error of one line. */
function usageError(error: CommanderError, words: readonly string[]): UsageError {
  const text = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
  const name = words.find((word) => everyCommand.some((listed) => listed.name === word))
  return new UsageError(
    text,
    name === undefined ? '`cloister help` lists the commands' : `see \`cloister help ${name}\``,
  )
}

/** Parses a command line and runs its command. @throws UsageError when it cannot be parsed; what the command throws */
export async function runProgram(words: readonly string[], options: ProgramOptions): Promise<void> {
  try {
    await new Program(options).run(words)
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return
    // A word was missing, and help has been printed instead of an error.
    if (error.code === 'commander.help') throw new ReportedError(exitStatus.usage)
    throw usageError(error, words)
  }
}

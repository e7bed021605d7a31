import {
  type ArgumentSpec,
  type Command,
  type CommandGroup,
  type Entry,
  type Example,
  longName,
  type OptionSpec,
} from '../command.ts'
import { commandList, isGroup, type ListedCommand } from '../command-list.ts'
import { exitMeanings } from '../exit-status.ts'
import { globalOptions } from '../global-options.ts'
import { version } from '../version.ts'
import { bold, definition, italic, paragraphs, roffText, roffWord, section } from './roff.ts'

/** A manual page: the name of its file and what is in it. */
export interface Page {
  readonly file: string
  readonly content: string
}

const sectionNumber = 1

const environment: readonly (readonly [name: string, meaning: string])[] = [
  ['CLOISTER_SOCKET', "The daemon's socket when --socket is not given."],
  [
    'XDG_RUNTIME_DIR',
    'The folder in which a daemon of this user has its run folder, cloister. Without it the run folder is /tmp/cloister-UID/cloister.',
  ],
  ['NO_COLOR', 'When it has a value, colours are used only with --color always.'],
  ['CLOISTER_DEBUG', 'When it has a value, errors are printed with a stack trace.'],
]

const files: readonly (readonly [name: string, meaning: string])[] = [
  [
    '$XDG_RUNTIME_DIR/cloister/qubesd.sock',
    'The socket of the daemon of this user; it is tried first, unless the user is root.',
  ],
  [
    '/tmp/cloister-UID/cloister/qubesd.sock',
    'The same where XDG_RUNTIME_DIR is not set. UID is the number of the user, and the folder /tmp/cloister-UID must belong to that user alone.',
  ],
  ['/run/cloister/qubesd.sock', 'The socket of the daemon that root started.'],
]

function title(name: string): string {
  const words = [name.toUpperCase(), String(sectionNumber), '', `Cloister ${version}`, 'Cloister']
  return `.TH ${words.map(roffWord).join(' ')}`
}

function optionTerm(key: string, { short, value }: OptionSpec): string {
  const flags = [...(short === undefined ? [] : [bold(`-${short}`)]), bold(longName(key))].join(', ')
  return value === undefined ? flags : `${flags} ${italic(value)}`
}

function optionDefinitions(specs: Command['options']): readonly string[] {
  return Object.entries(specs).flatMap(([key, spec]) => definition(optionTerm(key, spec), spec.help))
}

function argumentSyntax({ value, required, several }: ArgumentSpec): string {
  const name = italic(value) + (several ? '...' : '')
  return required ? name : `[${name}]`
}

function synopsis(path: string, { arguments: args, options }: Command): string {
  const words = [bold(path), ...(Object.keys(options).length > 0 ? [`[${italic('options')}]`] : [])]
  return [...words, ...Object.values(args).map(argumentSyntax)].join(' ')
}

function argumentDefinitions(args: Command['arguments']): readonly string[] {
  return Object.values(args).flatMap((spec) => definition(italic(spec.value), spec.help))
}

function examples(list: readonly Example[]): readonly string[] {
  return list.flatMap(([line, meaning]) => definition(bold(line), meaning))
}

/** The section that refers to other pages. */
function seeAlso(names: readonly string[]): readonly string[] {
  return section('SEE ALSO', [names.map((name) => `${bold(name)}(${sectionNumber})`).join(', ')])
}

function commandPage(path: string, command: Command): readonly string[] {
  return [
    ...section('SYNOPSIS', [synopsis(path, command)]),
    ...section('DESCRIPTION', paragraphs(command.description)),
    ...section('ARGUMENTS', argumentDefinitions(command.arguments)),
    ...section('OPTIONS', optionDefinitions(command.options)),
    ...section('EXAMPLES', examples(command.examples)),
  ]
}

function verb(path: string, { name, command }: Entry<Command>): readonly string[] {
  return [
    `.SS ${roffWord(`${path} ${name}`)}`,
    synopsis(`${path} ${name}`, command),
    ...paragraphs(command.description),
    ...argumentDefinitions(command.arguments),
    ...optionDefinitions(command.options),
    ...(command.examples.length > 0 ? ['.PP', 'Examples:', ...examples(command.examples)] : []),
  ]
}

function groupPage(path: string, group: CommandGroup): readonly string[] {
  const verbs = group.commands.filter(({ hidden }) => hidden !== true)
  return [
    ...section('SYNOPSIS', [`${bold(path)} ${italic('command')} [${italic('options')}] [${italic('argument')}...]`]),
    ...section('DESCRIPTION', paragraphs(group.description)),
    ...section(
      'COMMANDS',
      verbs.flatMap((entry) => verb(path, entry)),
    ),
  ]
}

async function pageOf(listed: ListedCommand): Promise<Page> {
  const command = await listed.load()
  const page = `cloister-${listed.name}`
  const path = `cloister ${listed.name}`
  const lines = [
    title(page),
    ...section('NAME', [`${roffText(page)} \\- ${roffText(listed.summary)}`]),
    ...(isGroup(command) ? groupPage(path, command) : commandPage(path, command)),
    ...section('SEE ALSO', [
      `${bold('cloister')}(${sectionNumber}), for the options, exit statuses and variables of all commands`,
    ]),
  ]
  return { file: `${page}.${sectionNumber}`, content: `${lines.join('\n')}\n` }
}

function mainPage(listed: readonly ListedCommand[]): Page {
  const byHeading = Map.groupBy(listed, ({ heading }) => heading)
  const commands = [...byHeading].flatMap(([heading, group]) => [
    `.SS ${roffWord(heading.replace(/:$/, ''))}`,
    ...group.flatMap(({ name, summary }) => definition(bold(name), summary)),
  ])
  const statuses = [...exitMeanings].flatMap(([status, meaning]) => definition(bold(String(status)), meaning))
  const named = (list: typeof files): readonly string[] =>
    list.flatMap(([name, meaning]) => definition(bold(name), meaning))
  const lines = [
    title('cloister'),
    ...section('NAME', ['cloister \\- isolated domains on this host']),
    ...section('SYNOPSIS', [
      `${bold('cloister')} [${italic('options')}] ${italic('command')} [${italic('argument')}...]`,
    ]),
    ...section(
      'DESCRIPTION',
      paragraphs([
        'Manages isolated domains, through the Admin API that `cloisterd` serves on its socket.',
        'Results go to standard output; progress, confirmations and errors go to standard error. An error is one line that says what to do. With --json results and errors are JSON.',
        'Characters in names, values and messages that would control a terminal are shown as escapes such as \\x1b. A result that goes to a file or a program is not changed.',
        '`cloister help` lists the commands, `cloister help COMMAND` explains one.',
      ]),
    ),
    ...section('COMMANDS', commands),
    ...section('OPTIONS', ['Every command takes these, wherever they stand:', ...optionDefinitions(globalOptions)]),
    ...section('EXIT STATUS', statuses),
    ...section('ENVIRONMENT', named(environment)),
    ...section('FILES', named(files)),
    ...seeAlso(listed.map(({ name }) => `cloister-${name}`)),
  ]
  return { file: `cloister.${sectionNumber}`, content: `${lines.join('\n')}\n` }
}

/** All manual pages: one of the whole, one for each command. */
export async function manualPages(): Promise<readonly Page[]> {
  return [mainPage(commandList), ...(await Promise.all(commandList.map(pageOf)))]
}

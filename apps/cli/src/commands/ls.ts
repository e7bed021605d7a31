import { type DomainListItem, type PowerState, powerStates } from '@cloister/admin-protocol'
import { any } from '../argument.ts'
import { CliError, UsageError } from '../cli-error.ts'
import { type Command, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { exitStatus } from '../exit-status.ts'
import { listOptions, printList } from '../list-output.ts'
import { columnsFor, defaultColumns, specialColumns } from '../ls/domain-columns.ts'
import { domainFacts } from '../ls/domain-facts.ts'
import { notePauses } from '../ls/pause-notes.ts'
import { reportObjectFailures } from '../object-failures.ts'
import { words } from '../option.ts'

interface Filter {
  readonly names: readonly string[]
  readonly states: readonly string[]
  readonly classes: readonly string[]
}

/** @throws UsageError */
function stateOf(word: string): PowerState {
  const state = powerStates.find((one) => one.toLowerCase() === word.toLowerCase())
  if (state === undefined) throw new UsageError(`there is no state ${word}`, `the states are ${powerStates.join(', ')}`)
  return state
}

function chosen(items: readonly DomainListItem[], { names, states, classes }: Filter): DomainListItem[] {
  const known = new Set(items.map(({ name }) => name))
  const unknown = names.filter((name) => !known.has(name))
  if (unknown.length > 0) {
    const all = '`cloister ls` lists all domains'
    throw new CliError(`there is no domain ${unknown.join(', ')}`, exitStatus.notFound, all)
  }
  const [wantedNames, wantedStates] = [new Set(names), new Set<string>(states.map(stateOf))]
  const wantedClasses = new Set(classes.map((one) => one.toLowerCase()))
  return items.filter(
    ({ name, state, klass }) =>
      (wantedNames.size === 0 || wantedNames.has(name)) &&
      (wantedStates.size === 0 || wantedStates.has(state)) &&
      (wantedClasses.size === 0 || wantedClasses.has(klass.toLowerCase())),
  )
}

export const ls: Command = defineCommand({
  description: [
    'Lists domains, the admin domain first. What cannot be read of a domain is shown as "?", with the reason on standard error and a failing exit status. A note on standard error tells why a domain was paused when a fault such as a full disk has paused it.',
    `Columns are ${specialColumns.join(', ')}, and the name of any property. Sizes in JSON and CSV are bytes, times seconds.`,
  ],
  examples: [
    ['cloister ls', 'all domains'],
    ['cloister ls --state running -c name,ip,mem', 'addresses and memory of running domains'],
    ['cloister ls --tag work --json', 'the domains with the tag "work", for programs'],
    ['cloister ls --class TemplateVM --no-header -c name', 'names alone, one a line'],
  ],
  arguments: { names: any('DOMAIN', 'list these domains only', 'domain') },
  options: {
    ...listOptions,
    columns: words('LIST', `these columns (default: ${defaultColumns.join(',')})`, {
      short: 'c',
      complete: specialColumns,
    }),
    state: words('STATE', 'domains in this state only', { complete: powerStates }),
    class: words('CLASS', 'domains of this class only', { complete: 'class' }),
    tag: words('TAG', 'domains with this tag only', { complete: 'tag' }),
  },
  async run(context, { names }, options) {
    const client = await connect(context)
    const { columns, wanted } = columnsFor(options.columns.length > 0 ? options.columns : defaultColumns)
    const items = chosen(await client.domains.list(), { names, states: options.state, classes: options.class })
    const facts = await domainFacts(client, items, { ...wanted, tags: wanted.tags || options.tag.length > 0 })
    // A domain whose tags cannot be read may have them: it is shown, as unknown, rather than left out.
    const tagged = facts.filter(
      ({ tags, failures }) => failures.has('tags') || options.tag.every((tag) => tags.includes(tag)),
    )
    printList(context.output, columns, tagged, options)
    await notePauses(context.output, client, tagged)
    reportObjectFailures(
      context.output,
      tagged.flatMap(({ name, failures }) => [...failures.values()].map((error) => ({ name, error }))),
    )
  },
})

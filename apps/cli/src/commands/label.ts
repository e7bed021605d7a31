import { labelCreate, labelGet, labelIndex, labelList, labelRemove } from '@cloister/admin-protocol'
import { newName, required } from '../argument.ts'
import { mapBounded } from '../bounded.ts'
import { UsageError } from '../cli-error.ts'
import { paintLabel } from '../colour.ts'
import { type Command, type CommandGroup, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { chooseColumns, type ListColumn, listOptions, printList } from '../list-output.ts'

interface Label {
  readonly name: string
  readonly index: number
  readonly colour: string
}

const concurrency = 8

const columns: readonly ListColumn<Label>[] = [
  { key: 'name', value: ({ name }) => name, show: ({ name }) => ({ text: name, paint: paintLabel }) },
  { key: 'index', align: 'right', value: ({ index }) => index },
  { key: 'colour', value: ({ colour }) => colour },
]

/** The colour in the form of the protocol: `0x` and six digits. @throws UsageError */
function colourOf(text: string): string {
  const digits = /^(?:0x|#)?([0-9a-f]{6})$/i.exec(text)?.[1]
  if (digits === undefined)
    throw new UsageError(`${text} is not a colour`, 'a colour is six hexadecimal digits, such as 3465a4')
  return `0x${digits.toLowerCase()}`
}

const ls: Command = defineCommand({
  description: ['Lists the labels with their colours.'],
  examples: [['cloister label ls', 'the eight built-in labels, and those that were added']],
  arguments: {},
  options: listOptions,
  async run(context, _, choices) {
    const chosen = chooseColumns(columns, choices.columns)
    const client = await connect(context)
    const labels = await mapBounded(await client.call(labelList, {}), concurrency, async (name) => {
      const [index, colour] = await Promise.all([
        client.call(labelIndex, { argument: name }),
        client.call(labelGet, { argument: name }),
      ])
      return { name, index, colour }
    })
    printList(context.output, chosen, labels, choices)
  },
})

const add: Command = defineCommand({
  description: ['Makes a label.'],
  examples: [['cloister label add pink ff69b4', 'then `cloister prefs work label pink`']],
  arguments: {
    name: newName('NAME', 'the name of the new label: letters, digits, "_", "." and "-"'),
    colour: required('COLOUR', 'six hexadecimal digits, two each for red, green and blue'),
  },
  options: {},
  async run(context, { name, colour }) {
    const payload = colourOf(colour)
    await (await connect(context)).call(labelCreate, { argument: name, payload })
    if (context.output.isJson) context.output.json({ name, colour: payload })
    context.output.done(`label ${name} made`)
  },
})

const remove: Command = defineCommand({
  description: ['Removes a label that no domain has. The eight built-in labels cannot be removed.'],
  examples: [['cloister label remove pink', 'first give its domains another label']],
  arguments: { name: required('NAME', 'the label', 'label') },
  options: {},
  async run(context, { name }) {
    await (await connect(context)).call(labelRemove, { argument: name })
    if (context.output.isJson) context.output.json({ name })
    context.output.done(`label ${name} removed`)
  },
})

export const label: CommandGroup = {
  description: ['Shows and changes labels: the colours that show how far a domain is trusted.'],
  examples: [],
  commands: [
    { name: 'ls', summary: 'list labels', command: ls },
    { name: 'add', summary: 'make a label', command: add },
    { name: 'remove', summary: 'remove a label', command: remove },
  ],
}

import { vmTagList, vmTagRemove, vmTagSet } from '@cloister/admin-protocol'
import { any, optional, required } from '../argument.ts'
import { UsageError } from '../cli-error.ts'
import { type Command, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'

/** The actions on tags: the call of each, and the verb that reports its result. */
const actions = {
  add: { row: vmTagSet, done: 'has' },
  remove: { row: vmTagRemove, done: 'does not have' },
} as const

const actionNames = ['add', 'remove'] as const

export const tags: Command = defineCommand({
  description: [
    'Shows and changes tags of a domain: words of letters, digits, "_" and "-", by which policy and users select domains.',
  ],
  examples: [
    ['cloister tags work', 'its tags, one a line'],
    ['cloister tags work add office trusted', 'add two tags'],
    ['cloister tags work remove trusted', 'remove a tag'],
    ['cloister ls --tag office', 'the domains with that tag'],
  ],
  arguments: {
    domain: required('DOMAIN', 'the domain', 'domain'),
    action: optional('ACTION', 'add or remove', actionNames),
    names: any('TAG', 'the tags', 'tag'),
  },
  options: {},
  async run(context, { domain: dest, action, names }) {
    const { output } = context
    const client = await connect(context)
    if (action !== undefined) {
      const known = actionNames.find((name) => name === action)
      if (known === undefined) throw new UsageError(`${action} is neither add nor remove`, 'see `cloister help tags`')
      if (names.length === 0) throw new UsageError(`name the tags to ${known}`)
      const { row, done } = actions[known]
      for (const name of names) await client.call(row, { dest, argument: name })
      output.done(`${dest} ${done} ${names.join(', ')}`)
      if (!output.isJson) return
    }
    const set = await client.call(vmTagList, { dest })
    if (output.isJson) output.json(set)
    else for (const tag of set) output.line(tag)
  },
})

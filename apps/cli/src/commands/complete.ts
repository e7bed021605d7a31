import { visibleText } from '@cloister/kit'
import { any } from '../argument.ts'
import { type Command, defineCommand } from '../command.ts'
import { type Candidate, questionOf } from '../completion/line.ts'
import { lookUp } from '../completion/lookup.ts'
import { connect } from '../connect.ts'
import type { Context } from '../context.ts'

/** A person waits for the completion: a late one is left out. */
const patienceMs = 2000
/** Words that a shell does not interpret: no other word is offered. */
const harmless = /^[\w.:@%+,/-]+$/

async function candidatesFor(context: Context, words: readonly string[]): Promise<readonly Candidate[]> {
  const question = await questionOf(words)
  if ('candidates' in question) return question.candidates
  const { kind } = question
  if (kind === 'file' || kind === 'folder') return [{ value: `:${kind}`, description: '' }]
  return await lookUp(await connect(context), kind, question)
}

export const complete: Command = defineCommand({
  description: [
    'Prints the completions of the last word, one a line, each with a tab and its description. Completion scripts of shells run this.',
  ],
  examples: [],
  arguments: { words: any('WORD', 'the words of the command line after `cloister`') },
  options: {},
  async run(context, { words }) {
    const timer = setTimeout(() => process.exit(), patienceMs)
    try {
      const current = words.at(-1) ?? ''
      for (const { value, description } of await candidatesFor(context, words)) {
        const isDirective = value.startsWith(':')
        if (isDirective || (value.startsWith(current) && harmless.test(value))) {
          context.output.line(`${value}\t${visibleText(description)}`.trimEnd())
        }
      }
    } catch {
      // Without the daemon there are no completions, and an error message would disturb the command line.
    } finally {
      clearTimeout(timer)
    }
  },
})

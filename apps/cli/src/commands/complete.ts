import { any } from '../argument.ts'
import { type Command, defineCommand } from '../command.ts'
import { type Candidate, questionOf } from '../completion/line.ts'
import { lookUp } from '../completion/lookup.ts'
import { connect } from '../connect.ts'
import type { Context } from '../context.ts'
import { visible } from '../visible-text.ts'

/** Somebody waits with a finger on the key. */
const patienceMs = 2000
/** What a shell takes as one word as it stands: nothing else is put on a command line. */
const harmless = /^[\w.:@%+,/-]+$/

async function candidatesFor(context: Context, words: readonly string[]): Promise<readonly Candidate[]> {
  const question = await questionOf(words)
  if ('candidates' in question) return question.candidates
  const { kind } = question
  if (kind === 'file' || kind === 'folder') return [{ value: `:${kind}`, description: '' }]
  return await lookUp(await connect(context), kind, question)
}

export const complete: Command = defineCommand({
  description: ['Prints what the last word may become, a line each, and after a tab what that is. Shells ask this.'],
  examples: [],
  arguments: { words: any('WORD', 'what stands on the command line after `cloister`') },
  options: {},
  async run(context, { words }) {
    const timer = setTimeout(() => process.exit(), patienceMs)
    try {
      const current = words.at(-1) ?? ''
      for (const { value, description } of await candidatesFor(context, words)) {
        const isDirective = value.startsWith(':')
        if (isDirective || (value.startsWith(current) && harmless.test(value))) {
          context.output.line(`${value}\t${visible(description)}`.trimEnd())
        }
      }
    } catch {
      // Without the daemon there is nothing to offer, and nobody to tell.
    } finally {
      clearTimeout(timer)
    }
  },
})

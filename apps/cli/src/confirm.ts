import { createInterface } from 'node:readline/promises'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { exitStatus } from './exit-status.ts'
import { visible } from './visible-text.ts'

/**
 * Asks before something that cannot be undone. Where nobody can be asked nothing is done: scripts say it with an option.
 * @throws CliError unless the answer is yes
 */
export async function confirm({ signal }: Context, question: string, option: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CliError(`${question} Nobody can be asked`, exitStatus.usage, `say ${option}`)
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  lines.on('close', () => undefined)
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  const answer = await Promise.race([lines.question(`${visible(question)} [y/N] `, { signal }), ended])
  lines.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('nothing was done', exitStatus.failure)
}

import { createInterface } from 'node:readline/promises'
import { visibleText } from '@cloister/kit'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { exitStatus } from './exit-status.ts'

/**
 * Asks before something that cannot be undone. Without a terminal nothing is done: a script gives the option instead.
 * @throws CliError unless the answer is yes
 */
export async function confirm({ signal }: Context, question: string, option: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CliError(
      `${question} There is no terminal on which to ask`,
      exitStatus.usage,
      `confirm it with ${option}`,
    )
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  lines.on('close', () => undefined)
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  const answer = await Promise.race([lines.question(`${visibleText(question)} [y/N] `, { signal }), ended])
  lines.close()
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new CliError('nothing was done, because the answer was not yes', exitStatus.failure)
}

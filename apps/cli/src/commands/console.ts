import { vmConsole } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { QubesVMNotStartedError } from '@cloister/kit'
import { required } from '../argument.ts'
import { CliError } from '../cli-error.ts'
import { type Command, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { attach } from '../console/attach.ts'
import { hasStopped } from '../console/has-stopped.ts'
import type { Context } from '../context.ts'
import { exitStatus } from '../exit-status.ts'
import { flag, parsed } from '../option.ts'
import { parseSeconds } from '../sizes.ts'
import { Spinner } from '../spinner.ts'

/** Events after which the domain may have a console. */
const beginnings: ReadonlySet<string> = new Set(['connection-established', 'domain-spawn', 'domain-start'])

/** The path of the console's socket; undefined while the domain does not run. */
async function consolePath(client: AdminClient, dest: string): Promise<string | undefined> {
  try {
    return await client.call(vmConsole, { dest })
  } catch (error) {
    if (error instanceof QubesVMNotStartedError) return undefined
    throw error
  }
}

/** Waits until the domain has a console. A domain that is started meanwhile has one before the guest prints its first line. */
async function awaitConsole({ output, signal }: Context, client: AdminClient, dest: string): Promise<string> {
  using _ = new Spinner(output, `waiting for ${dest} to start`)
  for await (const { name } of client.events({ dest, signal })) {
    const path = beginnings.has(name) ? await consolePath(client, dest) : undefined
    if (path !== undefined) return path
  }
  throw new CliError(`${dest} was not started`, exitStatus.state)
}

async function existingConsole(client: AdminClient, dest: string): Promise<string> {
  const path = await consolePath(client, dest)
  if (path !== undefined) return path
  const hint = `\`cloister start ${dest}\` starts it, --wait waits until it is started`
  throw new CliError(`${dest} does not run`, exitStatus.state, hint)
}

export const console: Command = defineCommand({
  description: [
    'Connects this terminal to the console of a domain, until Ctrl-] is typed or the domain stops. A console has one user at a time.',
    'What a guest prints is filtered, so that a guest cannot control the terminal: text, colours, and the cursor movements of shells and editors pass; titles, the clipboard, questions to the terminal and all other control sequences are dropped. --raw copies every byte.',
    'Without a terminal the command copies standard input to the console and the output of the console to standard output. When the input has ended it continues to copy output until the console is closed or, with --linger, until nothing was printed for that many seconds.',
  ],
  examples: [
    ['cloister console work', 'type Return for a prompt, Ctrl-] to leave'],
    ['cloister console --wait work', 'from the first line that the guest prints at its next start'],
    ["echo 'uname -r' | cloister console work --linger 2", 'in a script'],
    ['cloister console --raw work >output.bin', 'every byte, for a program that reads it'],
  ],
  arguments: { domain: required('DOMAIN', 'the domain', 'domain') },
  options: {
    wait: flag('wait until the domain runs', { short: 'w' }),
    raw: flag('copy what the guest prints byte by byte, also what a terminal obeys'),
    linger: parsed(
      'SECONDS',
      'once the input has ended, leave when nothing was printed for this long',
      parseSeconds,
      'a number of seconds',
    ),
  },
  async run(context, { domain }, { wait, raw, linger }) {
    const { output } = context
    const client = await connect(context)
    const path = wait ? await awaitConsole(context, client, domain) : await existingConsole(client, domain)
    const { stdin } = process
    const leaving = await attach(path, {
      input: stdin,
      output,
      raw,
      linger,
      onAttached: () => stdin.isTTY && output.note(`Console of ${domain}; Ctrl-] leaves it.`),
    })
    if (stdin.isTTY)
      output.note(leaving === 'closed' ? '\nThe console was closed.' : `\nLeft the console of ${domain}.`)
    if (leaving === 'closed' && !(await hasStopped(client, domain))) {
      const hint = 'a console has one user at a time: another user may have it'
      throw new CliError(`the console of ${domain} was closed although it runs`, exitStatus.state, hint)
    }
  },
})

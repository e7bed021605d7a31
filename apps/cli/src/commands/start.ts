import { vmStart } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { several } from '../argument.ts'
import { CliError } from '../cli-error.ts'
import { type Command, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { exitStatus } from '../exit-status.ts'
import { forEachDomain } from '../for-each-domain.ts'
import { stateOf } from '../power-command.ts'

/** Starts a domain. The call `vm.Start` succeeds on a paused domain and leaves it paused, so the state is asked first. */
async function startOne(client: AdminClient, dest: string): Promise<string> {
  const state = await stateOf(client, dest)
  if (state === 'Paused')
    throw new CliError('it is paused', exitStatus.state, `\`cloister unpause ${dest}\` continues it`)
  if (state === 'Suspended')
    throw new CliError('it is suspended', exitStatus.state, `\`cloister resume ${dest}\` wakes it`)
  if (state === 'Running') return 'was running already'
  await client.call(vmStart, { dest })
  return 'started'
}

export const start: Command = defineCommand({
  description: [
    'Starts domains; before a domain, the domains that give it network. Returns when the domains run.',
    'A domain that runs already is no error.',
  ],
  examples: [
    ['cloister start work web', 'both, at the same time'],
    ['cloister start work && cloister console work', 'start it and open its console'],
  ],
  arguments: { names: several('DOMAIN', 'the domains', 'domain') },
  options: {},
  async run(context, { names }) {
    const client = await connect(context)
    await forEachDomain(context, names, { doing: 'starting', work: (name) => startOne(client, name) })
  },
})

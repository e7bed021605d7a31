import { vmKill, vmRemove } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { QubesVMInUseError, QubesVMNotHaltedError, QubesVMNotStartedError } from '@cloister/kit'
import { several } from '../argument.ts'
import { CliError } from '../cli-error.ts'
import { type Command, defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { connect } from '../connect.ts'
import { describeUses, usersOf } from '../domain-users.ts'
import { exitStatus } from '../exit-status.ts'
import { forEachDomain } from '../for-each-domain.ts'
import { flag } from '../option.ts'

async function kill(client: AdminClient, dest: string): Promise<void> {
  try {
    await client.call(vmKill, { dest })
  } catch (error) {
    if (!(error instanceof QubesVMNotStartedError)) throw error
  }
}

/** The daemon names one user of the domain: all of them are looked up, so that one attempt shows all that has to change. */
async function explained(client: AdminClient, dest: string, error: unknown): Promise<unknown> {
  if (error instanceof QubesVMNotHaltedError) {
    return new CliError(
      'it is not halted',
      exitStatus.state,
      `\`cloister shutdown --wait ${dest}\` first, or use --kill`,
    )
  }
  if (!(error instanceof QubesVMInUseError)) return error
  const uses = await usersOf(client, dest)
  if (uses.length === 0) return error
  return new CliError(
    `it is in use: ${describeUses(uses)}`,
    exitStatus.state,
    'change that first with `cloister prefs`',
  )
}

async function removeOne(client: AdminClient, dest: string, alsoRunning: boolean): Promise<string> {
  if (alsoRunning) await kill(client, dest)
  try {
    await client.call(vmRemove, { dest })
    return 'removed'
  } catch (error) {
    throw await explained(client, dest, error)
  }
}

export const remove: Command = defineCommand({
  description: [
    'Removes domains with their volumes and all data in them. The command asks first, unless --yes is given.',
    'A domain that others use, as their template or for their network, is not removed; the error names the users.',
  ],
  examples: [
    ['cloister remove work', 'asks, then removes the domain'],
    ['cloister remove --yes --kill old older', 'both, without asking and even if they run'],
  ],
  arguments: { names: several('DOMAIN', 'the domains', 'domain') },
  options: {
    yes: flag('do not ask', { short: 'y' }),
    force: flag('the same as --yes', { short: 'f' }),
    kill: flag('first end the domains that run'),
  },
  async run(context, { names }, { yes, force, kill: alsoRunning }) {
    const volumes = names.length === 1 ? 'its volumes' : 'their volumes'
    if (!yes && !force) await confirm(context, `Remove ${names.join(', ')} and ${volumes}?`, '--yes')
    const client = await connect(context)
    // One after the other, as the users of a domain are often named before it.
    await forEachDomain(context, names, {
      doing: 'removing',
      concurrency: 1,
      work: (name) => removeOne(client, name, alsoRunning),
    })
  },
})

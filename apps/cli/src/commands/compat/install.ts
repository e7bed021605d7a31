import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../../cli-error.ts'
import { type Command, defineCommand } from '../../command.ts'
import { type InstallAction, type InstallStep, install, planInstall } from '../../compat/install.ts'
import { compatOptions, requireRoot } from '../../compat/options.ts'
import { itemName, planOf } from '../../compat/plan.ts'
import type { Context } from '../../context.ts'
import { text } from '../../option.ts'

/** Where the daemon of the system has its sockets. */
const defaultRun = '/run/cloister'
/** The launcher of this very command. */
const ownCommand = fileURLToPath(new URL('../../../../../bin/cloister', import.meta.url))

const words: Readonly<Record<InstallAction, readonly [done: string, planned: string]>> = {
  make: ['made    ', 'would make   '],
  replace: ['replaced', 'would replace'],
  present: ['present ', 'present      '],
}

function line({ item, action }: InstallStep, dryRun: boolean): string {
  return `${words[action][dryRun ? 1 : 0]}  ${itemName(item)}`
}

/** Folders like /etc, which are there on every system, are not listed. */
function isWorthALine({ item, action }: InstallStep): boolean {
  return item.kind !== 'folder' || action !== 'present'
}

const nextSteps =
  'For users other than root: set `group = "qubes"` in cloister.toml, restart cloisterd, and add the users to that group.'

/** The user for whom root works: the one who ran sudo, else root itself. Tools run by root need a member of the group. */
function userOf(environment: Context['environment'], named: string | undefined): string {
  const user = named ?? environment['SUDO_USER'] ?? 'root'
  if (/^[a-z_][a-z0-9_-]{0,31}$/.test(user)) return user
  throw new UsageError(`--user takes the name of a user, not "${user}"`)
}

/** @throws UsageError */
function absolute(path: string, option: string): string {
  if (path.startsWith('/') && !/[\n\s]/.test(path)) return path
  throw new UsageError(`${option} takes an absolute path without spaces, not "${path}"`)
}

export const installCompat: Command = defineCommand({
  description: [
    'Makes what the unmodified tools of Qubes OS expect: links to the sockets in /run, also after a boot; /etc/qubes-release; the programs of three services in /etc/qubes-rpc; the link /etc/qubes/backup; the group qubes with one member; and the helper programs qvm-appmenus, qrexec-client-vm and qrexec-client.',
    'Cloister keeps no application menus, so qvm-appmenus has nothing to copy for qvm-clone. It does not serve calls between domains yet: qrexec-client-vm and qrexec-client, which qvm-run uses, say so and fail.',
    'A file that is there already and was not made by this command is never touched: then nothing at all is changed; nor on a Qubes OS. Running the command again is safe, and replaces what an older version made.',
    'For users other than root, set `group = "qubes"` in cloister.toml, restart cloisterd, and add the users to that group.',
  ],
  examples: [
    ['cloister compat install --dry-run', 'what would happen?'],
    ['sudo cloister compat install && sudo qvm-ls', 'the tools find this daemon'],
    ['cloister compat install --root debian/tmp --command /usr/bin/cloister', 'for a package'],
  ],
  arguments: {},
  options: {
    ...compatOptions,
    run: text('DIR', `the run folder of the daemon (default: ${defaultRun})`, { complete: 'folder' }),
    command: text('PATH', 'where `cloister` will be (default: where this one is)', { complete: 'file' }),
    user: text('USER', 'the member of the group qubes (default: the user who ran sudo, or root)'),
  },
  async run({ output, environment }, _, { root: given, dryRun, run, command, user }) {
    const root = resolve(given ?? '/')
    const items = planOf({
      run: absolute(run ?? defaultRun, '--run'),
      command: absolute(command ?? ownCommand, '--command'),
      user: userOf(environment, user),
      isOffline: root !== '/',
    })
    const steps = await planInstall(root, items)
    if (!dryRun) {
      requireRoot(root)
      await install(root, steps)
    }
    if (output.isJson) output.json(steps.map(({ item, action }) => ({ item: itemName(item), kind: item.kind, action })))
    else for (const step of steps.filter(isWorthALine)) output.line(line(step, dryRun))
    if (!dryRun && root === '/') output.note(nextSteps)
  },
})

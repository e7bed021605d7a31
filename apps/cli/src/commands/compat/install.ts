import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../../cli-error.ts'
import { type Command, defineCommand } from '../../command.ts'
import { type InstallAction, type InstallStep, install, planInstall } from '../../compat/install.ts'
import { compatOptions, requireRoot } from '../../compat/options.ts'
import { itemName, planOf } from '../../compat/plan.ts'
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

/** That there is a folder /etc is no news. */
function isWorthALine({ item, action }: InstallStep): boolean {
  return item.kind !== 'folder' || action !== 'present'
}

const nextSteps = 'Other users than root: set `group = "qubes"` in cloister.toml, and add them to that group.'

/** @throws UsageError */
function absolute(path: string, option: string): string {
  if (path.startsWith('/') && !/[\n\s]/.test(path)) return path
  throw new UsageError(`${option} takes an absolute path without spaces, not "${path}"`)
}

export const installCompat: Command = defineCommand({
  description: [
    'Makes what the unmodified tools of Qubes OS expect: links to the sockets in /run, also after a boot; /etc/qubes-release; the programs of three services in /etc/qubes-rpc; the link /etc/qubes/backup; the group qubes.',
    'What is there already and not ours is never touched: then nothing is changed at all, and on a Qubes OS neither. Doing it again is safe, and brings what an older version made up to date.',
    'For users other than root, set `group = "qubes"` in cloister.toml and add them to that group.',
  ],
  examples: [
    ['cloister compat install --dry-run', 'what would happen?'],
    ['sudo cloister compat install && qvm-ls', 'and it works'],
    ['cloister compat install --root debian/tmp --command /usr/bin/cloister', 'for a package'],
  ],
  arguments: {},
  options: {
    ...compatOptions,
    run: text('DIR', `the run folder of the daemon (default: ${defaultRun})`, { complete: 'folder' }),
    command: text('PATH', 'where `cloister` will be (default: where this one is)', { complete: 'file' }),
  },
  async run({ output }, _, { root: given, dryRun, run, command }) {
    const root = resolve(given ?? '/')
    const items = planOf({
      run: absolute(run ?? defaultRun, '--run'),
      command: absolute(command ?? ownCommand, '--command'),
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

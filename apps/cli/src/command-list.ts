import type { Command, CommandGroup } from './command.ts'

/** A command of `cloister`. Its module is loaded only when the command runs, so that all commands start quickly. */
export interface ListedCommand {
  readonly name: string
  /** A short text for the list of commands. */
  readonly summary: string
  /** The heading in help under which it is listed. */
  readonly heading: string
  /** True for a command that only programs run: help does not show it. */
  readonly hidden?: boolean
  load(): Promise<Command | CommandGroup>
}

const look = 'Observe:'
const life = 'Make and remove:'
const power = 'Power:'
const settings = 'Settings of a domain:'
const system = 'The system:'
/** The heading of `help` and `completion`. */
export const helpHeading = 'Help:'

/** The commands for people, in the order of help, completion and manual pages. */
export const commandList: readonly ListedCommand[] = [
  {
    name: 'ls',
    summary: 'list domains',
    heading: look,
    load: async () => (await import('./commands/ls.ts')).ls,
  },
  {
    name: 'events',
    summary: 'print events as they happen',
    heading: look,
    load: async () => (await import('./commands/events.ts')).events,
  },
  {
    name: 'console',
    summary: "connect this terminal to a domain's console",
    heading: look,
    load: async () => (await import('./commands/console.ts')).console,
  },
  {
    name: 'doctor',
    summary: 'check this host and the daemon',
    heading: look,
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'create',
    summary: 'make a domain',
    heading: life,
    load: async () => (await import('./commands/create.ts')).create,
  },
  {
    name: 'clone',
    summary: 'copy a domain with its volumes and settings',
    heading: life,
    load: async () => (await import('./commands/clone.ts')).clone,
  },
  {
    name: 'remove',
    summary: 'remove domains and their volumes',
    heading: life,
    load: async () => (await import('./commands/remove.ts')).remove,
  },
  {
    name: 'template',
    summary: 'make templates from images',
    heading: life,
    load: async () => (await import('./commands/template.ts')).template,
  },
  {
    name: 'start',
    summary: 'start domains',
    heading: power,
    load: async () => (await import('./commands/start.ts')).start,
  },
  {
    name: 'shutdown',
    summary: 'ask domains to shut down',
    heading: power,
    load: async () => (await import('./commands/shutdown.ts')).shutdown,
  },
  {
    name: 'kill',
    summary: 'end domains at once',
    heading: power,
    load: async () => (await import('./commands/kill.ts')).kill,
  },
  {
    name: 'pause',
    summary: 'pause domains: their processors stand still',
    heading: power,
    load: async () => (await import('./commands/pause.ts')).pause,
  },
  {
    name: 'unpause',
    summary: 'continue paused domains',
    heading: power,
    load: async () => (await import('./commands/unpause.ts')).unpause,
  },
  {
    name: 'suspend',
    summary: 'suspend domains to memory',
    heading: power,
    load: async () => (await import('./commands/suspend.ts')).suspend,
  },
  {
    name: 'resume',
    summary: 'wake suspended domains',
    heading: power,
    load: async () => (await import('./commands/resume.ts')).resume,
  },
  {
    name: 'prefs',
    summary: 'show and change properties, of a domain or of the system',
    heading: settings,
    load: async () => (await import('./commands/prefs.ts')).prefs,
  },
  {
    name: 'features',
    summary: 'show and change features',
    heading: settings,
    load: async () => (await import('./commands/features.ts')).features,
  },
  {
    name: 'tags',
    summary: 'show and change tags',
    heading: settings,
    load: async () => (await import('./commands/tags.ts')).tags,
  },
  {
    name: 'notes',
    summary: 'show and change notes',
    heading: settings,
    load: async () => (await import('./commands/notes.ts')).notes,
  },
  {
    name: 'firewall',
    summary: 'show and change firewall rules',
    heading: settings,
    load: async () => (await import('./commands/firewall.ts')).firewall,
  },
  {
    name: 'volume',
    summary: 'show and change volumes',
    heading: settings,
    load: async () => (await import('./commands/volume.ts')).volume,
  },
  {
    name: 'pool',
    summary: 'show and change storage pools',
    heading: system,
    load: async () => (await import('./commands/pool.ts')).pool,
  },
  {
    name: 'label',
    summary: 'show and change labels',
    heading: system,
    load: async () => (await import('./commands/label.ts')).label,
  },
  {
    name: 'compat',
    summary: 'prepare this host for the tools of Qubes OS',
    heading: system,
    load: async () => (await import('./commands/compat.ts')).compat,
  },
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    heading: helpHeading,
    load: async () => (await import('./commands/completion.ts')).completion,
  },
]

/** True for a group of commands. */
export function isGroup(command: Command | CommandGroup): command is CommandGroup {
  return 'commands' in command
}

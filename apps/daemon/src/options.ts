import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { errorText, msg } from '@cloister/kit'
import { type Configuration, ConfigurationError } from './configuration.ts'

/** The parsed command line. */
export interface Options {
  readonly action: 'run' | 'help' | 'version'
  readonly config: string | undefined
  readonly overrides: Partial<Configuration>
}

/** The options that take a value, with the name of the value and the help. */
const table = [
  ['config', 'FILE', 'configuration file (default: /etc/cloister/cloister.toml, or below $XDG_CONFIG_HOME)'],
  ['state', 'DIR', 'database and volumes'],
  ['run', 'DIR', 'sockets, and a folder for each running domain'],
  ['kernels', 'DIR', 'kernels, one folder each (default: vm-kernels below the state folder)'],
  ['hypervisor', 'URI', 'libvirt URI of the hypervisor (default: the embedded QEMU)'],
  ['pool-driver', 'NAME', 'storage driver of the first pool of a fresh state (default: the best that works)'],
  ['log-level', 'LEVEL', 'debug, info, warn or error'],
] as const

/** Longest argument, characters: that of a path. */
const longestArgument = 4096

/** @throws ConfigurationError */
export function parseOptions(args: readonly string[]): Options {
  const values = parsed(args)
  const path = (name: string): { [key: string]: string } =>
    values[name] === undefined ? {} : { [name]: resolve(String(values[name])) }
  const overrides = {
    ...path('state'),
    ...path('run'),
    ...path('kernels'),
    ...(values['hypervisor'] !== undefined && { hypervisor: String(values['hypervisor']) }),
    ...(values['pool-driver'] !== undefined && { poolDriver: String(values['pool-driver']) }),
    ...(values['accept-empty'] === true && { acceptEmpty: true }),
    ...(values['log-level'] !== undefined && { logLevel: values['log-level'] as Configuration['logLevel'] }),
  }
  const config = values['config'] === undefined ? undefined : resolve(String(values['config']))
  return { action: values['help'] ? 'help' : values['version'] ? 'version' : 'run', config, overrides }
}

function parsed(args: readonly string[]): Record<string, string | boolean | undefined> {
  if (args.some((arg) => arg.length > longestArgument))
    throw new ConfigurationError(msg`an argument is longer than ${longestArgument} characters`)
  const strings = Object.fromEntries(table.map(([name]) => [name, { type: 'string' as const }]))
  const flags = {
    'accept-empty': { type: 'boolean' as const },
    help: { type: 'boolean' as const, short: 'h' },
    version: { type: 'boolean' as const },
  }
  try {
    return parseArgs({ args: [...args], options: { ...strings, ...flags }, strict: true, allowPositionals: false })
      .values
  } catch (cause) {
    throw new ConfigurationError(msg`${errorText(cause)}. \`cloisterd --help\` lists the options`, { cause })
  }
}

/** The text of `--help`. */
export function helpText(): string {
  const options = table.map(([name, value, help]) => `  ${`--${name} ${value}`.padEnd(22)}${help}`)
  return [
    'Usage: cloisterd [options]',
    '',
    'Runs isolated domains and serves the Admin API; stays in the foreground.',
    '',
    'Options:',
    ...options,
    `  ${'--accept-empty'.padEnd(22)}begin an empty state although there was one, whose database is missing`,
    `  ${'-h, --help'.padEnd(22)}this text`,
    `  ${'--version'.padEnd(22)}the version`,
    '',
    'Signals: SIGTERM and SIGINT stop the daemon, guests keep running; SIGHUP reads the configuration again.',
    '',
  ].join('\n')
}

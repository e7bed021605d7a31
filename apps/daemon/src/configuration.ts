import { CloisterError, errorText, msg, type Untrusted } from '@cloister/kit'
import { parse as parseToml } from 'smol-toml'

/** Levels of the log: lines of the chosen level and of those after it are written. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** All settings, complete: defaults stand where neither the file nor an option gives a value (`main.ts`, `places.ts`). */
export interface Configuration {
  /** Database, pool `varlibqubes`. */
  readonly state: string
  /** Sockets, and a folder for each running domain; empty after a boot. */
  readonly run: string
  /** One folder a kernel. */
  readonly kernels: string
  /** libvirt URI. */
  readonly hypervisor: string
  /** Driver of the pool `varlibqubes` of a fresh state. */
  readonly poolDriver: string | undefined
  /** Largest image that becomes a template, and largest disk in it, GiB. */
  readonly largestImageGib: number | undefined
  /** Begin an empty state although there was one, whose database is missing; only on the command line. */
  readonly acceptEmpty: boolean
  /** A folder above `run` that other users could have made; not to be set. */
  readonly untrusted: string | undefined
  /** Group of the sockets. */
  readonly group: string | undefined
  readonly logLevel: LogLevel
  /** Reads are recorded too. */
  readonly auditReads: boolean
  /** Clients get tracebacks. */
  readonly debug: boolean
}

/** The configuration cannot be used. */
export class ConfigurationError extends CloisterError {}

interface Key {
  readonly name: keyof Configuration
  readonly read: (value: unknown) => unknown
}

/** No file system of today holds more in one file: 8 EiB. */
const largestGib = 2 ** 33 - 1

const text = (value: unknown): unknown => (typeof value === 'string' && value !== '' ? value : undefined)
const absolutePath = (value: unknown): unknown =>
  typeof value === 'string' && value.startsWith('/') ? value : undefined
const flag = (value: unknown): unknown => (typeof value === 'boolean' ? value : undefined)
const size = (value: unknown): unknown =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= largestGib ? value : undefined
const level = (value: unknown): unknown => logLevels.find((name) => name === value)

/** The keys of the file: table and name, what may stand there. */
const keys: ReadonlyMap<string, Key & { readonly wanted: string }> = new Map([
  ['state', { name: 'state', read: absolutePath, wanted: 'an absolute path' }],
  ['run', { name: 'run', read: absolutePath, wanted: 'an absolute path' }],
  ['kernels', { name: 'kernels', read: absolutePath, wanted: 'an absolute path' }],
  ['hypervisor', { name: 'hypervisor', read: text, wanted: 'a libvirt URI' }],
  ['pool_driver', { name: 'poolDriver', read: text, wanted: 'the name of a storage driver' }],
  ['images.largest_gib', { name: 'largestImageGib', read: size, wanted: `a number from 1 to ${largestGib}` }],
  ['group', { name: 'group', read: text, wanted: 'the name of a group' }],
  ['log.level', { name: 'logLevel', read: level, wanted: logLevels.join(', ') }],
  ['log.reads', { name: 'auditReads', read: flag, wanted: 'true or false' }],
  ['debug', { name: 'debug', read: flag, wanted: 'true or false' }],
])

/** Longest file that is read, bytes. */
export const configurationLimit: number = 1 << 20

/**
 * Parses a configuration file. An unknown setting, or a value of the wrong kind, is refused with its name.
 * @throws ConfigurationError
 */
export function parseConfiguration(content: Untrusted<string>, path: string): Partial<Configuration> {
  return content.parse((source) => {
    let document: Record<string, unknown>
    try {
      document = parseToml(source)
    } catch (cause) {
      throw new ConfigurationError(msg`${path}: ${errorText(cause)}`, { cause })
    }
    const values = [...flatten(document, '')].map(([key, value]) => {
      const known = keys.get(key)
      if (!known) throw new ConfigurationError(msg`${path}: there is no setting ${key}`)
      const read = known.read(value)
      if (read === undefined) throw new ConfigurationError(msg`${path}: ${key} must be ${known.wanted}`)
      return [known.name, read] as const
    })
    return Object.fromEntries(values)
  })
}

/** Settings with their tables in front: `log.level`. */
function* flatten(table: Record<string, unknown>, prefix: string): Generator<[string, unknown]> {
  for (const [key, value] of Object.entries(table)) {
    if (isTable(value)) yield* flatten(value, `${prefix}${key}.`)
    else yield [`${prefix}${key}`, value]
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

import { errorText, Untrusted, utf8Text } from '@cloister/kit'
import { errorCode, nodeOs, type Os } from '@cloister/os'
import {
  type Configuration,
  ConfigurationError,
  configurationLimit,
  logLevels,
  parseConfiguration,
} from './configuration.ts'
import { Daemon } from './daemon.ts'
import { logWriter } from './log-writers.ts'
import { type Logger, openLogger, visibleJson } from './logger.ts'
import { helpText, type Options, parseOptions } from './options.ts'
import { defaultPlaces } from './places.ts'
import { version } from './version.ts'

/** Exit statuses: wrong usage or configuration, could not start, the state could not be trusted any more. */
const exitStatus = { usage: 2, failed: 1, fatal: 70 } as const

/** The descriptor of standard error, where the log goes. */
const standardError = 2

/** What is left of the 107 bytes of a socket's path for the names of domains, bytes. */
const longestRunFolder = 107 - '/'.length - 31 - '.console'.length

async function readConfiguration(os: Os, options: Options): Promise<Configuration> {
  const places = defaultPlaces(os.host.uid, process.env)
  const fromFile = await readFile(os, options.config ?? places.configuration, options.config !== undefined)
  const chosen = { ...fromFile, ...options.overrides }
  const state = chosen.state ?? places.state
  const run = chosen.run ?? places.run
  if (chosen.logLevel !== undefined && !logLevels.includes(chosen.logLevel)) {
    throw new ConfigurationError(`The log level must be one of ${logLevels.join(', ')}`)
  }
  if (Buffer.byteLength(run) > longestRunFolder) {
    throw new ConfigurationError(
      `The run folder ${run} is too long: sockets below it would be more than the 107 bytes that a path of one may have`,
    )
  }
  return {
    kernels: `${state}/vm-kernels`,
    hypervisor: `qemu:///embed?root=${encodeURIComponent(`${run}/qemu`)}`,
    poolDriver: undefined,
    largestImageGib: undefined,
    acceptEmpty: false,
    untrusted: chosen.run === undefined ? places.untrusted : undefined,
    group: undefined,
    logLevel: 'info',
    auditReads: false,
    debug: false,
    ...chosen,
    state,
    run,
  }
}

/** Reads and parses the configuration file. The default file may be missing; a file that the command line names may not. */
async function readFile(os: Os, path: string, wanted: boolean): Promise<Partial<Configuration>> {
  let bytes: Uint8Array
  try {
    bytes = await os.files.read(path, configurationLimit)
  } catch (cause) {
    if (!wanted && errorCode(cause) === 'ENOENT') return {}
    throw new ConfigurationError(`Cannot read the configuration file ${path}`, { cause })
  }
  const text = utf8Text(bytes)
  if (text === undefined) throw new ConfigurationError(`${path} is not UTF-8`)
  return parseConfiguration(new Untrusted(text), path)
}

async function serve(os: Os, options: Options): Promise<void> {
  const configuration = await readConfiguration(os, options)
  const log = openLogger(configuration.logLevel, logWriter(standardError), os.clock)
  const stopping = Promise.withResolvers<string>()
  const onFatal = (error: Error): void => {
    log.error('the state cannot be trusted any more: the daemon stops, guests keep running', { error })
    void flushed(log).then(() => process.exit(exitStatus.fatal))
  }
  const daemon = await startDaemon(os, configuration, log, onFatal)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.resolve(signal))
  process.on('SIGHUP', () => void reload(os, options, configuration, log))
  log.info('ready', {
    version,
    state: configuration.state,
    run: configuration.run,
    hypervisor: configuration.hypervisor,
  })
  log.info('stopping', { signal: await stopping.promise })
  await daemon.stop()
  log.info('stopped')
  await flushed(log)
  // Calls that did not end in time may still have timers or sockets open.
  process.exit()
}

/** What was logged before the daemon could not be started is written before the reason. */
async function startDaemon(...args: Parameters<typeof Daemon.start>): Promise<Daemon> {
  const [, { debug }, log] = args
  try {
    return await Daemon.start(...args)
  } catch (error) {
    if (debug) log.error('the daemon could not be started', { error })
    await flushed(log)
    throw error
  }
}

/** Writes out the log as far as that is possible. The wait for it does not keep the process alive, so the interval does. */
async function flushed(log: Logger): Promise<void> {
  const alive = setInterval(() => {}, 100)
  await log.flush()
  clearInterval(alive)
}

/** Reads the configuration again: sets the log level, and logs which other settings have changed and need a restart. */
async function reload(os: Os, options: Options, before: Configuration, log: Logger): Promise<void> {
  try {
    const now = await readConfiguration(os, options)
    log.setLevel(now.logLevel)
    const fixed = Object.keys(before).filter((key) => key !== 'logLevel') as (keyof Configuration)[]
    const later = fixed.filter((key) => before[key] !== now[key])
    log.info('configuration read again', later.length > 0 ? { needsRestart: later } : {})
  } catch (error) {
    log.error('the configuration could not be read again: nothing was changed', { error })
  }
}

async function main(): Promise<void> {
  process.umask(0o077)
  const options = parseOptions(process.argv.slice(2))
  if (options.action === 'help') process.stdout.write(helpText())
  else if (options.action === 'version') process.stdout.write(`cloisterd ${version}\n`)
  else await serve(nodeOs(), options)
}

/** The text of an error and of its causes, without those that an earlier text repeats. */
function reasonOf(thrown: unknown): string {
  const texts: string[] = []
  for (let at = thrown; at !== undefined; at = at instanceof Error ? at.cause : undefined) {
    const text = errorText(at)
    if (!texts.some((earlier) => earlier.includes(text))) texts.push(text)
  }
  return texts.join(': ')
}

try {
  await main()
} catch (error) {
  process.stderr.write(`cloisterd: ${visibleJson(reasonOf(error).replaceAll('\n', ' '))}\n`)
  process.exit(error instanceof ConfigurationError ? exitStatus.usage : exitStatus.failed)
}

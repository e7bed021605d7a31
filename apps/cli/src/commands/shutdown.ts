import { vmKill, vmShutdown } from '@cloister/admin-protocol'
import { type AdminClient, DaemonTimeoutError } from '@cloister/client'
import { QubesVMInUseError, QubesVMNotStartedError, QubesVMShutdownTimeoutError } from '@cloister/kit'
import { any } from '../argument.ts'
import { CliError, UsageError } from '../cli-error.ts'
import { type Command, defineCommand } from '../command.ts'
import { connect } from '../connect.ts'
import { exitStatus } from '../exit-status.ts'
import { forEachDomain } from '../for-each-domain.ts'
import { flag, parsed } from '../option.ts'
import { stateOf } from '../power-command.ts'
import { parseSeconds } from '../sizes.ts'

interface Choices {
  readonly force: boolean
  readonly wait: boolean
  readonly kill: boolean
  /** Seconds. */
  readonly timeout: number | undefined
}

/** The domains of this host that are not halted. */
async function running(client: AdminClient): Promise<string[]> {
  const items = await client.domains.list()
  return items
    .filter(({ klass, state }) => state !== 'Halted' && !['AdminVM', 'RemoteVM'].includes(klass))
    .map(({ name }) => name)
}

function tookTooLong(error: unknown): boolean {
  return error instanceof DaemonTimeoutError || error instanceof QubesVMShutdownTimeoutError
}

/** Shuts domains down; one that others use is asked again each time that one of the others has halted. */
class Shutdown {
  readonly #client: AdminClient
  readonly #choices: Choices
  #under = 0
  #progress = Promise.withResolvers<void>()

  constructor(client: AdminClient, choices: Choices) {
    this.#client = client
    this.#choices = choices
  }

  async one(dest: string): Promise<string> {
    this.#under += 1
    try {
      return await this.#untilUnused(dest)
    } finally {
      this.#under -= 1
      this.#progress.resolve()
      this.#progress = Promise.withResolvers()
    }
  }

  async #untilUnused(dest: string): Promise<string> {
    for (;;) {
      const progress = this.#progress.promise
      try {
        return await this.#ask(dest)
      } catch (error) {
        if (!(error instanceof QubesVMInUseError)) throw error
        if (!this.#choices.wait)
          throw new CliError(error.message, exitStatus.state, 'or all of them together with --wait')
        // No other domain is shutting down whose end could change the answer.
        if (this.#under <= 1) throw error
        this.#under -= 1
        await progress
        this.#under += 1
      }
    }
  }

  async #ask(dest: string): Promise<string> {
    const { force, wait, timeout, kill } = this.#choices
    try {
      const limit = timeout === undefined ? {} : { timeout: timeout * 1000 }
      await this.#client.call(vmShutdown, { dest, argument: { force, wait }, ...limit })
      return wait ? 'halted' : 'is shutting down'
    } catch (error) {
      if (error instanceof QubesVMNotStartedError) return await this.#notRunning(dest, error)
      if (!tookTooLong(error)) throw error
      if (kill) return await this.#kill(dest)
      const reason = timeout === undefined ? 'it did not halt in time' : `it did not halt within ${timeout} s`
      throw new CliError(reason, exitStatus.timeout, `\`cloister kill ${dest}\` ends it at once`)
    }
  }

  /** The daemon says "not running" of a halted domain and of a paused one, which cannot hear that it is asked. */
  async #notRunning(dest: string, error: QubesVMNotStartedError): Promise<string> {
    const state = await stateOf(this.#client, dest)
    if (state === 'Halted') return 'was halted already'
    if (this.#choices.kill) return await this.#kill(dest)
    const before = { Paused: 'unpause', Suspended: 'resume' }[state]
    if (before === undefined) throw error
    throw new CliError(
      `it is ${state.toLowerCase()} and cannot shut down`,
      exitStatus.state,
      `\`cloister ${before} ${dest}\` first, or \`cloister kill ${dest}\` ends it at once`,
      { cause: error },
    )
  }

  async #kill(dest: string): Promise<string> {
    try {
      await this.#client.call(vmKill, { dest })
      return 'did not shut down and was ended'
    } catch (error) {
      if (error instanceof QubesVMNotStartedError) return 'halted'
      throw error
    }
  }
}

export const shutdown: Command = defineCommand({
  description: [
    'Asks guests to shut down. Without --wait the command returns when they have been asked.',
    'A domain that is halted already is no error. A paused or suspended guest cannot shut down, which is an error; with --kill, --force or --all it is ended. A domain that others need for their network is shut down after those, when they are shut down together with --wait.',
    'How long a guest may take is its property shutdown_timeout; --timeout sets a shorter limit.',
  ],
  examples: [
    ['cloister shutdown --wait work', 'returns when it is halted'],
    ['cloister shutdown --all --timeout 30 --kill', 'all domains are halted after about half a minute'],
  ],
  arguments: { names: any('DOMAIN', 'the domains', 'domain') },
  options: {
    all: flag('all domains that run; implies --force'),
    wait: flag('return when they are halted', { short: 'w' }),
    force: flag('also domains that other running domains use; paused ones are ended'),
    timeout: parsed('SECONDS', 'wait this long at most; implies --wait', parseSeconds, 'a number of seconds', {
      short: 't',
    }),
    kill: flag('end the domains that do not halt in time; implies --wait'),
  },
  async run(context, { names }, { all, ...options }) {
    if (all === names.length > 0) throw new UsageError('name the domains to shut down, or say --all')
    const client = await connect(context)
    const work = new Shutdown(client, {
      ...options,
      force: options.force || all,
      wait: options.wait || options.kill || options.timeout !== undefined,
    })
    await forEachDomain(context, all ? await running(client) : names, {
      doing: 'shutting down',
      concurrency: 64,
      work: (name) => work.one(name),
    })
  },
})

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
import { parseSeconds } from '../sizes.ts'

interface Choices {
  readonly force: boolean
  readonly wait: boolean
  readonly kill: boolean
  /** Seconds. */
  readonly timeout: number | undefined
}

/** Everything that runs on this host. */
async function running(client: AdminClient): Promise<string[]> {
  const items = await client.domains.list()
  return items
    .filter(({ klass, state }) => state !== 'Halted' && !['AdminVM', 'RemoteVM'].includes(klass))
    .map(({ name }) => name)
}

function tookTooLong(error: unknown): boolean {
  return error instanceof DaemonTimeoutError || error instanceof QubesVMShutdownTimeoutError
}

/** Shuts one domain down. While others that use it are on their way down, it is tried again when one of them is. */
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
        // Nothing is on its way down any more that could make a difference.
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
      if (error instanceof QubesVMNotStartedError) return 'was halted already'
      if (!tookTooLong(error)) throw error
      if (kill) return await this.#kill(dest)
      const reason = timeout === undefined ? 'it did not halt in time' : `it did not halt within ${timeout} s`
      throw new CliError(reason, exitStatus.timeout, `\`cloister kill ${dest}\` ends it at once`)
    }
  }

  async #kill(dest: string): Promise<string> {
    try {
      await this.#client.call(vmKill, { dest })
      return 'did not halt in time and was ended'
    } catch (error) {
      if (error instanceof QubesVMNotStartedError) return 'halted'
      throw error
    }
  }
}

export const shutdown: Command = defineCommand({
  description: [
    'Asks guests to shut down. Without --wait it returns when they have been asked.',
    'A domain that is halted already is no error. One that others need for their network is shut down after those, when they are shut down together with --wait.',
    'How long a guest may take is its property shutdown_timeout; --timeout says less.',
  ],
  examples: [
    ['cloister shutdown --wait work', 'returns when it is halted'],
    ['cloister shutdown --all --wait --timeout 30 --kill', 'everything is off after half a minute'],
  ],
  arguments: { names: any('DOMAIN', 'the domains', 'domain') },
  options: {
    all: flag('all domains that run, whoever uses them'),
    wait: flag('return when they are halted', { short: 'w' }),
    force: flag('although others that run use them'),
    timeout: parsed('SECONDS', 'wait so long at most', parseSeconds, 'a number of seconds', { short: 't' }),
    kill: flag('end at once what does not halt in time; waits'),
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

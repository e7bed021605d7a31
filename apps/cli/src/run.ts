import { ReportedError } from './cli-error.ts'
import { readAll } from './command.ts'
import type { Context } from './context.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { globalOptions } from './global-options.ts'
import { Output } from './output.ts'
import { type Invocation, runProgram } from './program.ts'

const { stdout, stderr, env } = process

/** Leaving by a signal: at once, so that whoever typed Ctrl-C is not kept; the daemon may still carry out what was asked. */
const signals: ReadonlyMap<NodeJS.Signals, ExitStatus> = new Map([
  ['SIGINT', exitStatus.interrupted],
  ['SIGTERM', exitStatus.terminated],
  ['SIGHUP', exitStatus.terminated],
])

function leaveOnSignals(): AbortSignal {
  const controller = new AbortController()
  for (const [signal, status] of signals) {
    process.once(signal, () => {
      controller.abort()
      process.exit(status)
    })
  }
  return controller.signal
}

/** `cloister ls | head` is no reason to complain. */
function leaveWhenUnread(): void {
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      process.exit(error.code === 'EPIPE' ? exitStatus.unread : exitStatus.failure)
    })
  }
}

function contextOf({ globals }: Invocation, signal: AbortSignal): Context {
  const given = readAll(globalOptions, globals)
  const options = { ...given, color: given.color ?? 'auto' }
  const output = new Output({
    stdout,
    stderr,
    environment: env,
    colour: options.color,
    json: options.json,
    quiet: options.quiet,
  })
  return { options, output, environment: env, signal }
}

/** Tells what was wrong; with `CLOISTER_DEBUG` set also where in the program it happened. */
async function report(error: unknown, output: Output): Promise<ExitStatus> {
  if (error instanceof ReportedError) return error.status
  const { reportFailure } = await import('./report.ts')
  const status = reportFailure(output, error)
  if ((env['CLOISTER_DEBUG'] ?? '') !== '' && error instanceof Error) output.note(error.stack ?? '')
  return status
}

/** Runs a command line; resolves with the exit status. */
export async function run(words: readonly string[]): Promise<ExitStatus> {
  leaveWhenUnread()
  const signal = leaveOnSignals()
  // Until the command line has been read; what is wrong with it is told in the form that was asked for.
  let output = new Output({
    stdout,
    stderr,
    environment: env,
    colour: 'auto',
    json: words.includes('--json'),
    quiet: false,
  })
  try {
    await runProgram(words, {
      stdout,
      stderr,
      environment: env,
      async perform(invocation) {
        const context = contextOf(invocation, signal)
        output = context.output
        await invocation.command.run(context, invocation.arguments, invocation.options)
      },
    })
    return exitStatus.ok
  } catch (error) {
    return await report(error, output)
  }
}

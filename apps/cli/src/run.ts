import { visibleLines } from '@cloister/kit'
import { ReportedError } from './cli-error.ts'
import { readAll } from './command.ts'
import type { Context } from './context.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { globalOptions } from './global-options.ts'
import { Output } from './output.ts'
import { type Invocation, runProgram } from './program.ts'

const { stdout, stderr, env } = process

/** Signals that end the command at once; the daemon may still carry out what it was asked to do. */
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

/** Ends the command when its output cannot be written; no message is printed when the reader has gone, as in `cloister ls | head`. */
function leaveWhenUnwritable(): void {
  const leave = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') process.exit(exitStatus.unread)
    stderr.write(`cloister: the output cannot be written (${error.code ?? error.message})\n`)
    process.exit(exitStatus.failure)
  }
  stdout.on('error', leave)
  stderr.on('error', ({ code }: NodeJS.ErrnoException) => {
    process.exit(code === 'EPIPE' ? exitStatus.unread : exitStatus.failure)
  })
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

/** Prints the error and, when `CLOISTER_DEBUG` has a value, the calls that led to it. */
async function report(error: unknown, output: Output, context: Context | undefined): Promise<ExitStatus> {
  if (error instanceof ReportedError) return error.status
  const [{ reportFailure }, { unlessDaemonIsGone }] = await Promise.all([
    import('./report.ts'),
    import('./lost-daemon.ts'),
  ])
  const status = reportFailure(output, context === undefined ? error : await unlessDaemonIsGone(context, error))
  if ((env['CLOISTER_DEBUG'] ?? '') !== '' && error instanceof Error)
    output.paintedError(visibleLines(error.stack ?? ''))
  return status
}

/** Runs a command line; resolves with the exit status. */
export async function run(words: readonly string[]): Promise<ExitStatus> {
  leaveWhenUnwritable()
  const signal = leaveOnSignals()
  let context: Context | undefined
  // Prints what is wrong with the command line, before that has been read: as JSON when the word --json stands in it.
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
        context = contextOf(invocation, signal)
        output = context.output
        await invocation.command.run(context, invocation.arguments, invocation.options)
      },
    })
    return exitStatus.ok
  } catch (error) {
    return await report(error, output, context)
  }
}

import { DaemonUnreachableError } from '@cloister/client'
import { mapBounded } from './bounded.ts'
import { ReportedError } from './cli-error.ts'
import type { Context } from './context.ts'
import { commonStatus, type ExitStatus, exitStatus } from './exit-status.ts'
import { unlessDaemonIsGone } from './lost-daemon.ts'
import { reportFailure } from './report.ts'
import { Spinner } from './spinner.ts'

/** Work on several domains. */
export interface DomainWork {
  /** The work as a participle: `starting`. */
  readonly doing: string
  /** Domains that are worked on at the same time, at most. */
  readonly concurrency?: number
  /** Works on one domain; resolves with the result as a participle: `started`. */
  work(name: string): Promise<string>
}

const defaultConcurrency = 8

interface Outcome {
  readonly name: string
  readonly result: string | undefined
  readonly status: ExitStatus
}

function progressText(doing: string, done: number, names: readonly string[]): string {
  return names.length === 1 ? `${doing} ${names[0]}` : `${doing}: ${done} of ${names.length}`
}

/**
 * Does the same work on several domains, once on each, and prints the result for each. A failure of one domain does not keep
 * the others from being worked on.
 * @throws ReportedError when the work failed for at least one domain
 */
export async function forEachDomain(
  context: Context,
  names: readonly string[],
  { doing, work, concurrency = defaultConcurrency }: DomainWork,
): Promise<void> {
  const { output } = context
  const each = [...new Set(names)]
  let done = 0
  using spinner = new Spinner(output, progressText(doing, done, each))
  const outcomes = await mapBounded(each, concurrency, async (name): Promise<Outcome> => {
    try {
      const result = await work(name)
      spinner.interrupt(() => output.done(`${name} ${result}`))
      return { name, result, status: exitStatus.ok }
    } catch (thrown) {
      const error = await unlessDaemonIsGone(context, thrown)
      // Without a daemon there is one failure, not one for each domain.
      if (error !== thrown || error instanceof DaemonUnreachableError) throw error
      let status: ExitStatus = exitStatus.failure
      spinner.interrupt(() => {
        status = reportFailure(output, error, name)
      })
      return { name, result: undefined, status }
    } finally {
      spinner.update(progressText(doing, ++done, each))
    }
  })
  const failed = outcomes.filter(({ status }) => status !== exitStatus.ok)
  if (output.isJson) {
    const succeeded = outcomes.filter(({ result }) => result !== undefined)
    output.json(succeeded.map(({ name, result }) => ({ name, result: result ?? '' })))
  }
  if (failed.length > 0) throw new ReportedError(commonStatus(failed.map(({ status }) => status)))
}

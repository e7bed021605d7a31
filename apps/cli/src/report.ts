import { paint } from './colour.ts'
import type { ExitStatus } from './exit-status.ts'
import { failureJson, failureLine, failureOf } from './failure.ts'
import { formatJson } from './json.ts'
import type { Output } from './output.ts'

/**
 * Tells of an error, about one domain of several when that is given: one line of text, or of JSON, on standard error.
 * Returns the exit status for it.
 */
export function reportFailure(output: Output, error: unknown, domain?: string): ExitStatus {
  const failure = failureOf(error)
  if (output.isJson) {
    output.error(formatJson(failureJson(failure, domain)))
    return failure.status
  }
  const subject = output.errorColour ? paint('red', 'cloister') : 'cloister'
  output.error(failureLine(failure, domain === undefined ? subject : `${subject}: ${domain}`))
  return failure.status
}

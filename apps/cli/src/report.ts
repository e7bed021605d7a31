import { visibleText } from '@cloister/kit'
import { paint } from './colour.ts'
import type { ExitStatus } from './exit-status.ts'
import { failureJson, failureLine, failureOf } from './failure.ts'
import { formatJson } from './json.ts'
import type { Output } from './output.ts'

/**
 * Prints an error on standard error as one line of text or JSON. `domain` names the object, where a command works on several.
 * Returns the exit status for it.
 */
export function reportFailure(output: Output, error: unknown, domain?: string): ExitStatus {
  const failure = failureOf(error)
  if (output.isJson) {
    output.paintedError(formatJson(failureJson(failure, domain)))
    return failure.status
  }
  const subject = output.errorColour ? paint('red', 'cloister') : 'cloister'
  output.paintedError(failureLine(failure, domain === undefined ? subject : `${subject}: ${visibleText(domain)}`))
  return failure.status
}

import { type ExitStatus, exitStatus } from './exit-status.ts'

/** Something that the command itself found to be wrong. */
export class CliError extends Error {
  readonly status: ExitStatus
  /** What to do about it: half a sentence. */
  readonly hint: string | undefined

  constructor(message: string, status: ExitStatus, hint?: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.status = status
    this.hint = hint
  }
}

/** The command line is wrong. */
export class UsageError extends CliError {
  constructor(message: string, hint?: string) {
    super(message, exitStatus.usage, hint)
  }
}

/** What went wrong has been told already; only the status is left to say. */
export class ReportedError extends Error {
  override readonly name: string = 'ReportedError'
  readonly status: ExitStatus

  constructor(status: ExitStatus) {
    super(`exit status ${status}`)
    this.status = status
  }
}

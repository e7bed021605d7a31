import { type ExitStatus, exitStatus } from './exit-status.ts'

/** An error that the command itself found. */
export class CliError extends Error {
  readonly status: ExitStatus
  /** What to do: a clause that follows the message after a semicolon. */
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

/** Ends the command with a status, after its errors have been printed. */
export class ReportedError extends Error {
  override readonly name: string = 'ReportedError'
  readonly status: ExitStatus

  constructor(status: ExitStatus) {
    super(`exit status ${status}`)
    this.status = status
  }
}

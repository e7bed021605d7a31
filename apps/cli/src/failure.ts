import { DaemonCommunicationError, FramingError } from '@cloister/admin-protocol'
import { DaemonAccessError, DaemonTimeoutError, DaemonUnreachableError } from '@cloister/client'
import * as kit from '@cloister/kit'
import { CliError } from './cli-error.ts'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import type { Json } from './json.ts'

/** What is printed about an error. */
export interface Failure {
  readonly type: string
  readonly message: string
  /** What to do: a clause that follows the message after a semicolon. */
  readonly hint: string | undefined
  readonly status: ExitStatus
}

type ErrorClass = abstract new (...parameters: never[]) => Error

/** Statuses by class. The first that fits counts, so a class stands before the class that it extends. */
const statuses: readonly (readonly [ErrorClass, ExitStatus])[] = [
  // An argument that no request can carry.
  [FramingError, exitStatus.usage],
  [DaemonTimeoutError, exitStatus.timeout],
  [DaemonAccessError, exitStatus.denied],
  [DaemonCommunicationError, exitStatus.unreachable],
  [kit.PermissionDenied, exitStatus.denied],
  [kit.QubesVMShutdownTimeoutError, exitStatus.timeout],
  [kit.QubesVMError, exitStatus.state],
  [kit.QubesVMAlreadyExistsError, exitStatus.state],
  [kit.QubesPoolInUseError, exitStatus.state],
  [kit.QubesLabelInUseError, exitStatus.state],
  [kit.QubesVolumeCopyInUseError, exitStatus.state],
  [kit.QubesVMNotFoundError, exitStatus.notFound],
  [kit.QubesNoSuchPropertyError, exitStatus.notFound],
  [kit.QubesFeatureNotFoundError, exitStatus.notFound],
  [kit.QubesTagNotFoundError, exitStatus.notFound],
  [kit.QubesLabelNotFoundError, exitStatus.notFound],
  [kit.QubesPoolNotFoundError, exitStatus.notFound],
  [kit.QubesVolumeNotFoundError, exitStatus.notFound],
  [kit.QubesVolumeRevisionNotFoundError, exitStatus.notFound],
  [kit.QubesValueError, exitStatus.usage],
  [kit.QubesVMInvalidUUIDError, exitStatus.usage],
  [kit.QubesInvalidTagError, exitStatus.usage],
  [kit.QubesInvalidLabelError, exitStatus.usage],
  [kit.QubesInvalidLabelValueError, exitStatus.usage],
]

/** What to do, by class, where the message does not say it: the daemon does not know which program asked. */
const hints: readonly (readonly [ErrorClass, string])[] = [
  [DaemonUnreachableError, '`cloister doctor` looks for the reason, --socket says where else to look'],
  [DaemonAccessError, 'unless the log of cloisterd shows that it was restarted, the policy needs a rule for this call'],
  [DaemonCommunicationError, 'the log of cloisterd says more'],
  [kit.QubesVMNotFoundError, '`cloister ls` shows the domains'],
  [kit.QubesVMAlreadyExistsError, 'choose another name, or remove that one first'],
  [kit.QubesVMNotHaltedError, '`cloister shutdown --wait` halts it'],
  [kit.QubesVMNotPausedError, '`cloister ls` shows the states'],
  [kit.QubesVMNotStartedError, '`cloister start` starts it'],
  [kit.QubesVMShutdownTimeoutError, '`cloister kill` ends it at once'],
  [kit.QubesNoSuchPropertyError, '`cloister prefs` lists the properties'],
  [kit.QubesLabelNotFoundError, '`cloister label ls` shows the labels'],
  [kit.QubesPoolNotFoundError, '`cloister pool ls` shows the pools'],
  [kit.QubesVolumeNotFoundError, '`cloister volume ls` shows the volumes'],
  [kit.QubesVolumeRevisionNotFoundError, '`cloister volume info` shows the revisions'],
  [kit.QubesFeatureNotFoundError, '`cloister features` lists those that are set'],
  [kit.QubesTagNotFoundError, '`cloister tags` lists those that are set'],
]

function find<T>(table: readonly (readonly [ErrorClass, T])[], error: unknown): T | undefined {
  return table.find(([type]) => error instanceof type)?.[1]
}

/** The message on one line, without the full stop at its end. */
function messageOf(error: unknown): string {
  const isMeant = error instanceof kit.CloisterError || error instanceof CliError
  const text = isMeant ? error.message : kit.errorChain(error)
  return kit.visibleText(text.trim().replaceAll(/\s*\n\s*/g, ' ')).replace(/\.$/, '')
}

/** Codes of an attempt to use a socket without the right to it. */
const deniedCodes: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM'])

/** True when the daemon cannot be reached because its socket is not for this user. */
export function isDenied(error: unknown): boolean {
  if (!(error instanceof DaemonUnreachableError)) return false
  return error.cause instanceof Error && 'code' in error.cause && deniedCodes.has(error.cause.code)
}

/** What to print about anything that was thrown. Nothing in it controls a terminal. */
export function failureOf(error: unknown): Failure {
  const failure = describe(error)
  return { ...failure, hint: failure.hint === undefined ? undefined : kit.visibleText(failure.hint) }
}

function describe(error: unknown): Failure {
  const type = error instanceof Error ? error.name : 'Error'
  const message = messageOf(error)
  if (error instanceof CliError) return { type, message, hint: error.hint, status: error.status }
  if (isDenied(error)) {
    return { type, message, hint: '`cloister doctor` tells which users may use it', status: exitStatus.denied }
  }
  // Advice in the daemon's own message comes first.
  const hint = message.includes('`cloister ') ? undefined : find(hints, error)
  return { type, message, hint, status: find(statuses, error) ?? exitStatus.failure }
}

/** A failure as one line. */
export function failureLine({ message, hint }: Failure, subject = 'cloister'): string {
  if (hint === undefined) return `${subject}: ${message}`
  return `${subject}: ${message}${message.endsWith('?') ? ' ' : '; '}${hint}`
}

/** A failure as JSON. */
export function failureJson({ type, message, hint, status }: Failure, domain?: string): Json {
  return { error: { type, message, hint: hint ?? null, status, ...(domain === undefined ? {} : { domain }) } }
}

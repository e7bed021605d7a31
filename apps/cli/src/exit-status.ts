/** Exit statuses that a script can use. */
export const exitStatus = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  denied: 4,
  state: 5,
  timeout: 6,
  unreachable: 7,
  interrupted: 130,
  unread: 141,
  terminated: 143,
} as const

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus]

/** What each status means, for people. */
export const exitMeanings: ReadonlyMap<ExitStatus, string> = new Map<ExitStatus, string>([
  [exitStatus.ok, 'all was done'],
  [exitStatus.failure, 'something failed; or several things failed for different reasons'],
  [exitStatus.usage, 'the command line is wrong, or a value in it is not valid'],
  [exitStatus.notFound, 'there is no domain, volume, property or the like of that name'],
  [exitStatus.denied, 'it is not allowed'],
  [exitStatus.state, 'it is in use, exists already, or is not in the state for this'],
  [exitStatus.timeout, 'it took too long'],
  [exitStatus.unreachable, 'the daemon cannot be reached, or stopped talking'],
  [exitStatus.interrupted, 'interrupted by Ctrl-C'],
  [exitStatus.unread, 'whoever read the output went away'],
  [exitStatus.terminated, 'ended by the signal TERM or HUP'],
])

/** The status of several failures: theirs when they agree. */
export function commonStatus(statuses: readonly ExitStatus[]): ExitStatus {
  const [first = exitStatus.ok, ...others] = statuses
  return others.every((status) => status === first) ? first : exitStatus.failure
}

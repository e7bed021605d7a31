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

/** What each status means; for the manual pages. */
export const exitMeanings: ReadonlyMap<ExitStatus, string> = new Map<ExitStatus, string>([
  [exitStatus.ok, 'success'],
  [exitStatus.failure, 'a failure without a status of its own; or several failures of different kinds'],
  [exitStatus.usage, 'the command line is wrong, or a value in it is not valid'],
  [exitStatus.notFound, 'there is no object of that name: domain, volume, property, label, pool'],
  [exitStatus.denied, 'permission is denied'],
  [exitStatus.state, 'the object is in use, exists already, or is in a state that does not allow this'],
  [exitStatus.timeout, 'a time limit was exceeded'],
  [exitStatus.unreachable, 'the daemon cannot be reached, or ended before it answered'],
  [exitStatus.interrupted, 'interrupted by Ctrl-C'],
  [exitStatus.unread, 'the reader of the output has closed it'],
  [exitStatus.terminated, 'ended by the signal TERM or HUP'],
])

/** One status for several failures: the one that they share, or else `failure`. */
export function commonStatus(statuses: readonly ExitStatus[]): ExitStatus {
  const [first = exitStatus.ok, ...others] = statuses
  return others.every((status) => status === first) ? first : exitStatus.failure
}

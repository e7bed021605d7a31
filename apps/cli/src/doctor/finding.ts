import type { AdminClient } from '@cloister/client'
import type { Os } from '@cloister/os'

/** How well something is: as it should be, worth knowing, in the way of working. */
export type Level = 'ok' | 'warning' | 'failure'

/** What a check found. */
export interface Finding {
  /** What was looked at, in a word. */
  readonly check: string
  readonly level: Level
  readonly detail: string
  /** What to do about it. */
  readonly hint?: string
}

/** What checks have to look with: this user's rights, and the daemon if it answers. */
export interface Patient {
  readonly os: Os
  /** Path of the daemon's socket. */
  readonly socket: string
  readonly client: AdminClient
}

/** Looks at one thing. What it throws is a failure of what it looked at. */
export interface Check {
  readonly name: string
  /** Only worth a look when the daemon answers. */
  readonly needsDaemon: boolean
  look(patient: Patient): Promise<readonly Omit<Finding, 'check'>[]>
}

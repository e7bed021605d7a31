import type { AdminClient } from '@cloister/client'
import type { Os } from '@cloister/os'

/** `ok`: as it should be; `warning`: Cloister works, with a disadvantage; `failure`: Cloister does not work. */
export type Level = 'ok' | 'warning' | 'failure'

/** What a check found. */
export interface Finding {
  /** The name of the check that found it. */
  readonly check: string
  readonly level: Level
  readonly detail: string
  /** What to do about it. */
  readonly hint?: string
}

/** What checks examine: the host, with the rights of this user, and the daemon, if it answers. */
export interface Patient {
  readonly os: Os
  /** Path of the daemon's socket. */
  readonly socket: string
  readonly client: AdminClient
}

/** Examines one part of the system. What it throws is reported as a failure of that part. */
export interface Check {
  readonly name: string
  /** The check is left out when the daemon does not answer. */
  readonly needsDaemon: boolean
  look(patient: Patient): Promise<readonly Omit<Finding, 'check'>[]>
}

import type { Processes } from '@cloister/os'
import type { Apt } from './apt.ts'
import type { Distribution } from './distribution.ts'

/** What the steps work with. */
export interface Tools {
  readonly processes: Processes
  readonly apt: Apt
  readonly distribution: Distribution
}

/** Shows a line of progress. */
export type Report = (line: string) => void

/** One thing that a command needs. */
export interface Step {
  /** What is made ready, as a person calls it. */
  readonly name: string
  /** True when there is nothing to do. */
  ready(): Promise<boolean>
  /** Makes it ready. @throws OnlyTheUserError when it may not */
  make(report: Report): Promise<void>
}

/** Preparation stops here, and the message tells the user how to go on. */
export class OnlyTheUserError extends Error {
  override readonly name: string = 'OnlyTheUserError'
}

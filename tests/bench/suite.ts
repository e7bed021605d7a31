import type { Limits } from './limits.ts'
import type { Effort } from './load.ts'
import type { Report } from './report.ts'
import type { Subject } from './subject.ts'

/** What all suites share. */
export interface Bench {
  readonly report: Report
  readonly limits: Limits
  readonly effort: Effort
  /** Numbers of clients that call at the same time. */
  readonly clients: readonly number[]
  /** Takes what has to be put away at the end, or when somebody breaks off. */
  readonly resources: AsyncDisposableStack
  /** Measures as little as shows that it works. */
  readonly quick: boolean
}

/** Measures what may depend on the number of domains: runs once for each. */
export interface ScaledSuite {
  readonly name: string
  readonly measure: (subject: Subject, bench: Bench) => Promise<void>
}

/** Measures what has nothing to do with the number of domains. */
export interface PlainSuite {
  readonly name: string
  readonly measure: (bench: Bench) => Promise<void>
}

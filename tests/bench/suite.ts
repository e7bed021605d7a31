import type { Limits } from './limits.ts'
import type { Effort } from './load.ts'
import type { Report } from './report.ts'
import type { Subject } from './subject.ts'

/** The surroundings of a suite. */
export interface Bench {
  readonly report: Report
  readonly limits: Limits
  readonly effort: Effort
  /** Numbers of clients that call at the same time. */
  readonly clients: readonly number[]
  /** Resources that are released at the end, also after an interruption. */
  readonly resources: AsyncDisposableStack
  /** True to measure only as much as shows that the bench works. */
  readonly quick: boolean
}

/** A suite whose results can depend on the number of domains: it runs once for each number. */
export interface ScaledSuite {
  readonly name: string
  readonly measure: (subject: Subject, bench: Bench) => Promise<void>
}

/** A suite whose results do not depend on the number of domains. */
export interface PlainSuite {
  readonly name: string
  readonly measure: (bench: Bench) => Promise<void>
}

import type { ColourChoice } from './colour.ts'
import type { Output } from './output.ts'

/** What can be said to every command. */
export interface GlobalOptions {
  readonly socket: string | undefined
  readonly json: boolean
  readonly color: ColourChoice
  readonly quiet: boolean
}

/** What a command gets to work with. */
export interface Context {
  readonly options: GlobalOptions
  readonly output: Output
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Aborted when the user wants to leave. */
  readonly signal: AbortSignal
}

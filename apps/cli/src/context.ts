import type { ColourChoice } from './colour.ts'
import type { Output } from './output.ts'

/** The values of the options that every command has. */
export interface GlobalOptions {
  readonly socket: string | undefined
  readonly json: boolean
  readonly color: ColourChoice
  readonly quiet: boolean
}

/** The surroundings of a command. */
export interface Context {
  readonly options: GlobalOptions
  readonly output: Output
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Aborted by a signal that ends the command. */
  readonly signal: AbortSignal
}

import { type ColourChoice, colourChoices } from './colour.ts'
import type { OptionSpec } from './command.ts'
import { choice, flag, text } from './option.ts'

/** Options of every command, wherever they stand on the line. */
export const globalOptions: {
  readonly socket: OptionSpec<string | undefined>
  readonly json: OptionSpec<boolean>
  readonly color: OptionSpec<ColourChoice | undefined>
  readonly quiet: OptionSpec<boolean>
} = {
  socket: text('PATH', "the daemon's socket (default: $CLOISTER_SOCKET, or where this user's daemon has it)", {
    complete: 'file',
  }),
  json: flag('print results and errors as JSON'),
  color: choice('WHEN', 'use colours', colourChoices),
  quiet: flag('print results and errors only', { short: 'q' }),
}

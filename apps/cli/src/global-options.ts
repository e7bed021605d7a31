import { type ColourChoice, colourChoices } from './colour.ts'
import type { OptionSpec } from './command.ts'
import { choice, flag, text } from './option.ts'

/** Options of every command; they may stand anywhere on the command line. */
export const globalOptions: {
  readonly socket: OptionSpec<string | undefined>
  readonly json: OptionSpec<boolean>
  readonly color: OptionSpec<ColourChoice | undefined>
  readonly quiet: OptionSpec<boolean>
} = {
  socket: text(
    'PATH',
    "the daemon's socket (default: $CLOISTER_SOCKET, or that of this user's daemon, or that of the system)",
    {
      complete: 'file',
    },
  ),
  json: flag('print results and errors as JSON'),
  color: choice('WHEN', 'use colours', colourChoices),
  quiet: flag('print results and errors only', { short: 'q' }),
}

import { vmPause } from '@cloister/admin-protocol'
import type { Command } from '../command.ts'
import { powerCommand } from '../power-command.ts'

export const pause: Command = powerCommand({
  description: [
    'Stops the processors of domains; memory and devices stay as they are. `cloister unpause` lets them run on.',
  ],
  examples: [['cloister pause work web', 'both stand still, with all their memory']],
  row: vmPause,
  doing: 'pausing',
  done: 'paused',
})

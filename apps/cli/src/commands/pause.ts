import { vmPause } from '@cloister/admin-protocol'
import type { Command } from '../command.ts'
import { powerCommand } from '../power-command.ts'

export const pause: Command = powerCommand({
  description: [
    'Pauses domains: their processors stand still, memory and devices stay as they are. `cloister unpause` continues them.',
  ],
  examples: [['cloister pause work web', 'both stand still and keep their memory']],
  row: vmPause,
  doing: 'pausing',
  done: 'paused',
})

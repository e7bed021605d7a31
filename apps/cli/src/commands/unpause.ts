import { vmUnpause } from '@cloister/admin-protocol'
import type { Command } from '../command.ts'
import { powerCommand } from '../power-command.ts'

export const unpause: Command = powerCommand({
  description: ['Lets paused domains run on from where they stood.'],
  examples: [['cloister unpause work', 'it goes on']],
  row: vmUnpause,
  doing: 'unpausing',
  done: 'running again',
})

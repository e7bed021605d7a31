import { vmUnpause } from '@cloister/admin-protocol'
import type { Command } from '../command.ts'
import { powerCommand } from '../power-command.ts'

export const unpause: Command = powerCommand({
  description: ['Continues paused domains where they were paused.'],
  examples: [['cloister unpause work', 'its processors run again']],
  row: vmUnpause,
  doing: 'unpausing',
  done: 'is running again',
})

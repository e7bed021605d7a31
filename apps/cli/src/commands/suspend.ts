import { vmSuspend } from '@cloister/admin-protocol'
import type { Command } from '../command.ts'
import { powerCommand } from '../power-command.ts'

export const suspend: Command = powerCommand({
  description: ['Asks guests to suspend to memory, as a laptop does. A guest that cannot suspend is paused instead.'],
  examples: [['cloister suspend work', '`cloister resume work` wakes it']],
  row: vmSuspend,
  doing: 'suspending',
  done: 'suspended',
})

import { vmResume } from '@cloister/admin-protocol'
import type { Command } from '../command.ts'
import { powerCommand } from '../power-command.ts'

export const resume: Command = powerCommand({
  description: [
    'Wakes suspended domains. A domain whose guest cannot suspend, and which was paused instead, is continued.',
  ],
  examples: [['cloister resume work', 'the guest wakes']],
  row: vmResume,
  doing: 'resuming',
  done: 'is running again',
})

import { vmResume } from '@cloister/admin-protocol'
import type { Command } from '../command.ts'
import { powerCommand } from '../power-command.ts'

export const resume: Command = powerCommand({
  description: ['Wakes suspended domains; one that was paused instead runs on.'],
  examples: [['cloister resume work', 'it goes on']],
  row: vmResume,
  doing: 'resuming',
  done: 'running again',
})

import { vmKill } from '@cloister/admin-protocol'
import { QubesVMNotStartedError } from '@cloister/kit'
import type { Command } from '../command.ts'
import { powerCommand } from '../power-command.ts'

export const kill: Command = powerCommand({
  description: [
    'Ends domains at once, like pulling the plug: what a guest had not written is lost. `cloister shutdown` asks first.',
    'A domain that is halted already is no error.',
  ],
  examples: [['cloister kill work', 'returns when it has stopped and its volumes are committed']],
  row: vmKill,
  doing: 'ending',
  done: 'ended',
  nothingToDo: [QubesVMNotStartedError, 'was halted already'],
})

import { vmKill } from '@cloister/admin-protocol'
import { QubesVMNotStartedError } from '@cloister/kit'
import type { Command } from '../command.ts'
import { powerCommand } from '../power-command.ts'

export const kill: Command = powerCommand({
  description: [
    'Ends domains at once, as if their power failed: data that a guest has not written to disk are lost. `cloister shutdown` asks the guest instead.',
    'A domain that is halted already is no error.',
  ],
  examples: [['cloister kill work', 'returns when the domain is halted and its volumes are committed']],
  row: vmKill,
  doing: 'ending',
  done: 'ended',
  nothingToDo: [QubesVMNotStartedError, 'was halted already'],
})

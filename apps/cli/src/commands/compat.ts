import type { CommandGroup } from '../command.ts'
import { installCompat } from './compat/install.ts'
import { removeCompat } from './compat/remove.ts'
import { serve } from './compat/serve.ts'

export const compat: CommandGroup = {
  description: [
    'The unmodified tools of Qubes OS (qvm-ls, qvm-create and others) find a daemon by files in fixed places. `cloister compat install` makes these files, `cloister compat remove` removes them again.',
  ],
  examples: [],
  commands: [
    { name: 'install', summary: 'make what the tools of Qubes OS expect', command: installCompat },
    { name: 'remove', summary: 'remove what install made', command: removeCompat },
    { name: 'serve', summary: 'answer a tool of Qubes OS', hidden: true, command: serve },
  ],
}

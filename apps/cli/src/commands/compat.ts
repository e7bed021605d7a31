import type { CommandGroup } from '../command.ts'
import { installCompat } from './compat/install.ts'
import { removeCompat } from './compat/remove.ts'
import { serve } from './compat/serve.ts'

export const compat: CommandGroup = {
  description: [
    'The unmodified tools of Qubes OS (qvm-ls, qvm-create and their kind) find a daemon by files in fixed places. `cloister compat install` makes those, `cloister compat remove` takes exactly those away again.',
  ],
  examples: [],
  commands: [
    { name: 'install', summary: 'make what the tools of Qubes OS expect', command: installCompat },
    { name: 'remove', summary: 'take away what install made', command: removeCompat },
    { name: 'serve', summary: 'answer a tool of Qubes OS', hidden: true, command: serve },
  ],
}

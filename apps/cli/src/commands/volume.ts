import type { CommandGroup } from '../command.ts'
import { clear } from './volume/clear.ts'
import { copy } from './volume/copy.ts'
import { importData } from './volume/import.ts'
import { info } from './volume/info.ts'
import { ls } from './volume/ls.ts'
import { resize } from './volume/resize.ts'
import { revert } from './volume/revert.ts'
import { set } from './volume/set.ts'
import { snapshot } from './volume/snapshot.ts'

export const volume: CommandGroup = {
  description: [
    'Shows and changes volumes, the disks of a domain: root holds the system, private the data, volatile temporary data, kernel the kernel. Revisions are earlier states of a volume.',
  ],
  examples: [],
  commands: [
    { name: 'ls', summary: 'list volumes', command: ls },
    { name: 'info', summary: 'show the details of a volume', command: info },
    { name: 'resize', summary: 'change the size of a volume', command: resize },
    { name: 'snapshot', summary: 'make a revision of a volume', command: snapshot },
    { name: 'revert', summary: 'bring a volume back to a revision', command: revert },
    { name: 'import', summary: 'replace the content of a volume', command: importData },
    { name: 'copy', summary: 'copy a volume to another domain', command: copy },
    { name: 'clear', summary: 'empty a volume', command: clear },
    { name: 'set', summary: 'change a setting of a volume', command: set },
  ],
}

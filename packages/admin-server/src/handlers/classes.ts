import { deviceclassList, vmclassList } from '@cloister/admin-protocol'
import { vmClasses } from '@cloister/core'
import { msg, QubesException } from '@cloister/kit'
import { type HandledCall, handle, onlyOne } from '../handler.ts'

/** Classes of devices that can be assigned (reference: admin-api, 3.1). */
const deviceClasses = ['pci', 'block'] as const

export const classHandlers: readonly HandledCall[] = [
  handle(vmclassList, ({ argument }) =>
    onlyOne<string>(
      vmClasses,
      argument,
      (name) => name,
      () => new QubesException(msg`There is no class ${argument ?? ''}`),
    ),
  ),
  handle(deviceclassList, () => deviceClasses),
]

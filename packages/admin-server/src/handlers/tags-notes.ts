import { vmNotesGet, vmNotesSet, vmTagGet, vmTagList, vmTagRemove, vmTagSet } from '@cloister/admin-protocol'
import { addTag, removeTag } from '@cloister/core'
import { msg, QubesTagNotFoundError } from '@cloister/kit'
import { type HandledCall, handle, onlyOne } from '../handler.ts'

export const tagHandlers: readonly HandledCall[] = [
  handle(vmTagList, ({ destination, argument }) => {
    const missing = (): Error => new QubesTagNotFoundError(msg`${destination.name} has no tag ${argument ?? ''}`)
    return onlyOne(destination.tags.list(), argument, (tag) => tag, missing)
  }),
  handle(vmTagGet, ({ destination, argument }) => destination.tags.has(argument)),
  handle(vmTagSet, async ({ source, dialect, destination, argument }) => {
    await addTag({ domain: source, dialect }, destination, argument)
    return undefined
  }),
  handle(vmTagRemove, async ({ source, dialect, destination, argument }) => {
    await removeTag({ domain: source, dialect }, destination, argument)
    return undefined
  }),
  handle(vmNotesGet, ({ destination }) => destination.notes),
  handle(vmNotesSet, async ({ app, destination, payload }) => {
    await app.changes.make((unit) => destination.setNotes(unit, payload))
    return undefined
  }),
]

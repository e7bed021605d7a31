import {
  type DialectName,
  vmNotesGet,
  vmNotesSet,
  vmTagGet,
  vmTagList,
  vmTagRemove,
  vmTagSet,
} from '@cloister/admin-protocol'
import { AdminVM, type BaseVM } from '@cloister/core'
import { msg, PermissionDenied, QubesTagNotFoundError } from '@cloister/kit'
import { type HandledCall, handle, onlyOne } from '../handler.ts'

/** Tags by which rights are given: only the admin domain may change them (reference: admin-api, 8; mgmt-dialect, Tags). */
const protectedTags: Readonly<Record<DialectName, RegExp>> = {
  admin: /^created-by-/,
  plain: /^created-by-/,
  mgmt: /^(created-by|managed-by|backup)-/,
}

function refuseProtected(source: BaseVM, tag: string, dialect: DialectName): void {
  if (source instanceof AdminVM || !protectedTags[dialect].test(tag)) return
  throw new PermissionDenied(msg`Only the admin domain can change the tag ${tag}`)
}

export const tagHandlers: readonly HandledCall[] = [
  handle(vmTagList, ({ destination, argument }) => {
    const missing = (): Error => new QubesTagNotFoundError(msg`${destination.name} has no tag ${argument ?? ''}`)
    return onlyOne(destination.tags.list(), argument, (tag) => tag, missing)
  }),
  handle(vmTagGet, ({ destination, argument }) => destination.tags.has(argument)),
  handle(vmTagSet, async ({ app, source, destination, argument, dialect }) => {
    refuseProtected(source, argument, dialect)
    await app.changes.make((unit) => destination.tags.add(unit, argument))
    return undefined
  }),
  handle(vmTagRemove, async ({ app, source, destination, argument, dialect }) => {
    refuseProtected(source, argument, dialect)
    await app.changes.make((unit) => destination.tags.remove(unit, argument))
    return undefined
  }),
  handle(vmNotesGet, ({ destination }) => destination.notes),
  handle(vmNotesSet, async ({ app, destination, payload }) => {
    await app.changes.make((unit) => destination.setNotes(unit, payload))
    return undefined
  }),
]

import { labelCreate, labelGet, labelIndex, labelList, labelRemove } from '@cloister/admin-protocol'
import { type HandledCall, handle } from '../handler.ts'

export const labelHandlers: readonly HandledCall[] = [
  handle(labelList, ({ app, argument }) =>
    (argument === undefined ? app.labels.list() : [app.labels.get(argument)]).map(({ name }) => name),
  ),
  handle(labelGet, ({ app, argument }) => app.labels.get(argument).color),
  handle(labelIndex, ({ app, argument }) => app.labels.get(argument).index),
  handle(labelCreate, async ({ app, argument, payload }) => {
    await app.changes.make((unit) => app.labels.create(unit, argument, payload))
    return undefined
  }),
  handle(labelRemove, async ({ app, argument }) => {
    await app.changes.make((unit) => app.labels.remove(unit, argument, app.references))
    return undefined
  }),
]

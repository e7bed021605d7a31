import type { Unit } from '../state/journal.ts'
import type { CoreEvent } from './core-event.ts'

/** The unit of work of one change: the rows to store, the inverses of changes in memory, the events to send. */
export type ChangeUnit = Unit<CoreEvent>

import type { Unit } from '../state/journal.ts'
import type { CoreEvent } from './core-event.ts'

/** The unit of work of one change: what is stored, how it is undone in memory, which events it tells. */
export type ChangeUnit = Unit<CoreEvent>

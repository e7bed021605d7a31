import { QubesException } from '@cloister/kit'

/** A change in memory could not be made durable, and was undone; `cause` says why. */
export class StateWriteError extends QubesException {}

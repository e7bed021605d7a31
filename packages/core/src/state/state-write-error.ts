import { QubesException } from '@cloister/kit'

/** What was changed in memory could not be made durable and was undone; `cause` says why. */
export class StateWriteError extends QubesException {}

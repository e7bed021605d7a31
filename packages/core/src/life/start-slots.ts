import { Semaphore } from '@cloister/kit'

/** Domains that the daemon starts by itself at a time: more would only make each of them slower. */
const atATime = 2

/** Bounds how many domains are started at a time without a user asking: at start-up, and in advance. */
export class StartSlots extends Semaphore {
  constructor() {
    super(atATime)
  }
}

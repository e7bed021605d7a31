import { Semaphore } from '@cloister/kit'

/** How many domains the daemon starts at once by itself; more at once would only slow each other down. */
const atATime = 2

/** Limits how many domains start at once without a request of a user: at start-up, and for preloading. */
export class StartSlots extends Semaphore {
  constructor() {
    super(atATime)
  }
}

import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** The times of booting a guest and of ending it, ms. */
export interface BootTimes {
  /** Until QEMU runs and its monitor answers. */
  readonly returnsMs: number
  /** Until the user space of the guest prints that it is up. */
  readonly upMs: number
  /** From the request to end the guest until QEMU has ended. */
  readonly goneMs: number
}

/** The line that the guest of the demo and the tests prints when it is up. */
const greeting = 'cloister-guest ready'
const lookMs = 5
const patienceMs = 60_000

/** Resolves when the guest whose output is written to `path` has printed that it is up. */
export async function guestSaysItIsUp(path: string): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await readFile(path, 'latin1')).includes(greeting)) {
    if (performance.now() > deadline) throw new Error(`the guest did not boot in ${patienceMs} ms: see ${path}`)
    await delay(lookMs)
  }
}

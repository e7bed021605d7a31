import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** What it took to boot a guest and to end it, ms. */
export interface BootTimes {
  /** Until QEMU runs and can be told what to do. */
  readonly returnsMs: number
  /** Until the guest's user space says that it is up. */
  readonly upMs: number
  /** From the order to end it until it is gone. */
  readonly goneMs: number
}

/** Printed by the guest of demo and tests when it is up. */
const greeting = 'cloister-guest ready'
const lookMs = 5
const patienceMs = 60_000

/** Resolves when the guest whose console is recorded in `path` says that it is up. */
export async function guestSaysItIsUp(path: string): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await readFile(path, 'latin1')).includes(greeting)) {
    if (performance.now() > deadline) throw new Error(`the guest did not boot in ${patienceMs} ms: see ${path}`)
    await delay(lookMs)
  }
}

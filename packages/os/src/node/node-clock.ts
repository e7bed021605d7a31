import type { Clock, Timer } from '../clock.ts'
import { sleepOn } from '../sleep.ts'
import { startLongTimer } from './long-timer.ts'

/** The machine's clocks. */
export class NodeClock implements Clock {
  now(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn((wait, work) => startLongTimer(wait, work, { keepsAlive: true }), ms, signal)
  }

  after(ms: number, work: () => void): Timer {
    return startLongTimer(ms, work)
  }
}

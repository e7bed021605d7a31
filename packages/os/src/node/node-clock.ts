import { setTimeout as delay } from 'node:timers/promises'
import type { Clock, Timer } from '../clock.ts'

/** The machine's clocks. */
export class NodeClock implements Clock {
  now(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await delay(ms, undefined, signal ? { signal } : {})
  }

  after(ms: number, work: () => void): Timer {
    const timer = setTimeout(work, ms)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  }
}

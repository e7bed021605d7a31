import type { Timer } from './clock.ts'

/** Resolves after `ms` on the timers of a clock; rejects with the signal's reason when the signal is aborted. */
export function sleepOn(
  after: (ms: number, work: () => void) => Timer,
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const abort = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = after(ms, () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
}

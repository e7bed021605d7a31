import { CloisterError, libvirtCodes, msg } from '@cloister/kit'
import type { Clock } from './clock.ts'

/** Something that was waited for did not happen in the time that it may take. */
export class TooLateError extends CloisterError {
  static override readonly libvirtCode: number = libvirtCodes.operationTimeout
}

/** What is waited for: `what` completes the sentence "… did not happen within 5 s"; `onLate` makes another error of it. */
export interface Wait {
  readonly clock: Clock
  readonly ms: number
  readonly what: string
  /** Called when the time is over: the error that the caller gets in place of TooLateError. */
  readonly onLate?: () => Error
  /** Ends the waiting early, with the reason of the signal. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Waits for a promise, for a limited time. What the promise stands for is not ended when the time is over: that is up to the
 * caller. A promise that rejects later is not an unhandled rejection.
 * @throws TooLateError, or what `onLate` makes
 */
export async function within<T>({ clock, ms, what, onLate, signal }: Wait, promise: Promise<T>): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>()
  const timer = clock.after(ms, () => {
    reject(onLate?.() ?? new TooLateError(msg`${what} did not happen within ${ms / 1000} s`))
  })
  const abort = (): void => reject(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, over])
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', abort)
  }
}

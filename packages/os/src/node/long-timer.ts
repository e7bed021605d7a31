import type { Timer } from '../clock.ts'

/** The longest wait that `setTimeout` takes: it fires at once when asked for more. */
const longestWaitMs = 2 ** 31 - 1

/**
 * Calls `work` once after `ms`, however long that is; `Infinity` never comes. The timer does not keep the process alive,
 * unless it is told to.
 */
export function startLongTimer(
  ms: number,
  work: () => void,
  { keepsAlive = false }: { readonly keepsAlive?: boolean } = {},
): Timer {
  let timer: NodeJS.Timeout | undefined
  const wait = (left: number): void => {
    const step = Math.min(Math.max(left, 0), longestWaitMs)
    timer = setTimeout(() => (left > step ? wait(left - step) : work()), step)
    if (!keepsAlive) timer.unref()
  }
  wait(Number.isNaN(ms) ? 0 : ms)
  return { cancel: () => clearTimeout(timer) }
}

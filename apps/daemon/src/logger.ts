import { errorChain, type Log } from '@cloister/kit'
import pino from 'pino'
import type { LogLevel } from './configuration.ts'

/** The daemon's log: one JSON object a line on standard error, written without holding up the event loop. */
export interface Logger extends Log {
  setLevel(level: LogLevel): void
  /** Writes out what is still in memory. */
  flush(): void
}

/** Standard error. */
const destinationFd = 2

export function openLogger(level: LogLevel): Logger {
  const destination = pino.destination({ fd: destinationFd, sync: false })
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'message' },
    destination,
  )
  const write =
    (severity: LogLevel) =>
    (message: string, details: Readonly<Record<string, unknown>> = {}) => {
      logger[severity](plain(details), message)
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    setLevel: (next) => {
      logger.level = next
    },
    flush: () => destination.flushSync(),
  }
}

/** Errors as texts with their causes; of those that are no refusal of ours, the stack as well. */
function plain(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(details).flatMap(([key, value]) => {
    if (!(value instanceof Error)) return [[key, value]]
    return [[key, errorChain(value)], ...(value.stack ? [['stack', value.stack]] : [])]
  })
  return Object.fromEntries(entries)
}

import { errorChain, type Log } from '@cloister/kit'
import type { Clock } from '@cloister/os'
import pino from 'pino'
import type { LogLevel } from './configuration.ts'
import { LogSink, type LogWriter } from './log-sink.ts'

/** The daemon's log: one JSON object a line, written without holding up the event loop. */
export interface Logger extends Log {
  setLevel(level: LogLevel): void
  /** Writes out what is still in memory, if that is possible within a second. */
  flush(): Promise<void>
}

export function openLogger(level: LogLevel, writer: LogWriter, clock: Clock): Logger {
  const sink = new LogSink(writer, clock, droppedLine)
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'message' },
    { write: (line) => sink.write(visibleJson(line)) },
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
    flush: () => sink.flush(),
  }
}

/** Made apart from the logger, whose level may hide warnings: the loss of lines must always be seen. */
function droppedLine(count: number): string {
  const message = 'lines of the log were dropped, because the log could not be written'
  return `${JSON.stringify({ level: pino.levels.values['warn'], time: new Date().toISOString(), lines: count, message })}\n`
}

/** Characters that JSON leaves as they are but that drive a terminal, are invisible or reorder what is seen; not the line end. */
const unsafe = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu

/** A line of JSON with such characters, which stand only in its texts, in the notation of JSON: names, guests and files hold them. */
export function visibleJson(line: string): string {
  return line.replaceAll(unsafe, (character) =>
    Array.from({ length: character.length }, (_, at) => `\\u${hex4(character.charCodeAt(at))}`).join(''),
  )
}

function hex4(code: number): string {
  return code.toString(16).padStart(4, '0')
}

/** Errors as texts with their causes; of those that are no refusal of ours, the stack as well. */
function plain(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(details).flatMap(([key, value]) => {
    if (!(value instanceof Error)) return [[key, value]]
    return [[key, errorChain(value)], ...(value.stack ? [['stack', value.stack]] : [])]
  })
  return Object.fromEntries(entries)
}

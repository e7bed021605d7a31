import type { Os } from '@cloister/os'

/** Severities of a driver's log lines. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What a driver gets from whoever opens a connection. */
export interface DriverEnvironment {
  /** The machine. */
  readonly os: Os
  /** Takes what a driver has to say beyond its answers and errors. */
  readonly log?: (level: LogLevel, message: string, details?: Record<string, unknown>) => void
  /** Settings of a driver that have no place in a URI, by name; each driver documents its own. */
  readonly options?: Readonly<Record<string, string>>
}

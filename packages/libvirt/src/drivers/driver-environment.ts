import type { Os } from '@cloister/os'

/** Severities of a driver's log lines. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What the program that opens a connection gives to the driver. */
export interface DriverEnvironment {
  /** The machine. */
  readonly os: Os
  /** Takes log lines: what a driver reports beside its answers and errors. */
  readonly log?: (level: LogLevel, message: string, details?: Record<string, unknown>) => void
  /** Settings of a driver that its URI does not carry, by name; each driver documents its own. */
  readonly options?: Readonly<Record<string, string>>
}

import { DaemonUnreachableError } from '@cloister/client'
import { mapBounded } from './bounded.ts'
import { ReportedError } from './cli-error.ts'
import { commonStatus } from './exit-status.ts'
import type { Output } from './output.ts'
import { reportFailure } from './report.ts'

/** What was read of an object, or why it could not be read. */
export type Reading<R> = { readonly value: R } | { readonly error: unknown }

/** An object that could not be read, by the name under which it is reported: `work`, `work:private`, `pool big`. */
export interface ObjectFailure {
  readonly name: string
  readonly error: unknown
}

/** The value of a reading; undefined when reading failed. */
export function readValue<R>(reading: Reading<R>): R | undefined {
  return 'value' in reading ? reading.value : undefined
}

/** Keeps the failure of one object beside the results of others. @throws DaemonUnreachableError, which is about all of them */
export async function readingOf<R>(work: Promise<R>): Promise<Reading<R>> {
  try {
    return { value: await work }
  } catch (error) {
    if (error instanceof DaemonUnreachableError) throw error
    return { error }
  }
}

/** Reads objects, at most `limit` at a time; one that cannot be read does not keep the others back. */
export async function readEach<T, R>(
  items: readonly T[],
  limit: number,
  read: (item: T) => Promise<R>,
): Promise<{ readonly item: T; readonly reading: Reading<R> }[]> {
  return await mapBounded(items, limit, async (item) => ({ item, reading: await readingOf(read(item)) }))
}

/** The failure of a reading under the name of its object; empty when reading succeeded. */
export function failureOfReading(name: string, reading: Reading<unknown>): readonly ObjectFailure[] {
  return 'error' in reading ? [{ name, error: reading.error }] : []
}

/** Reports each object that could not be read, on standard error. @throws ReportedError when there is one */
export function reportObjectFailures(output: Output, failures: readonly ObjectFailure[]): void {
  if (failures.length === 0) return
  const statuses = failures.map(({ name, error }) => reportFailure(output, error, name))
  throw new ReportedError(commonStatus(statuses))
}

import { UsageError } from './cli-error.ts'

/** -1 turns revisions off; the most is what a request can carry. */
const least = -1
const most = 999_999_999

/** A number of revisions to keep. `name` is what the argument or the setting is called. @throws UsageError */
export function parseRevisions(text: string, name: string): number {
  const number = /^-?\d+$/.test(text) ? Number(text) : undefined
  if (number === undefined || number < least || number > most) {
    throw new UsageError(`${name} is a whole number from ${least} to ${most}, not "${text}"`)
  }
  return number
}

import type { DomainListItem } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { visibleText } from '@cloister/kit'
import { failureOf } from '../failure.ts'
import { readingOf } from '../object-failures.ts'
import type { Output } from '../output.ts'
import { adviceFor } from '../problem-advice.ts'

/**
 * Notes of each domain in a list that was paused by a fault: why, and what to do. The daemon is asked only when a domain is paused.
 * @throws DaemonUnreachableError
 */
export async function notePauses(output: Output, client: AdminClient, shown: readonly DomainListItem[]): Promise<void> {
  const paused = new Set(shown.filter(({ state }) => state === 'Paused').map(({ name }) => name))
  if (paused.size === 0 || output.isJson) return
  const reading = await readingOf(client.problems())
  if ('error' in reading)
    return output.note(`why domains are paused cannot be shown: ${failureOf(reading.error).message}`)
  for (const problem of reading.value ?? []) {
    const { kind, name, reason } = problem
    if (kind === 'domain' && paused.has(name) && reason.startsWith('is paused'))
      output.note(visibleText(`${name} ${reason}: ${adviceFor(problem).todo}`))
  }
}

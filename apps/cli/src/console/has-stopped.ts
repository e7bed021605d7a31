import { vmList } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { QubesVMNotFoundError } from '@cloister/kit'

/** A console is closed a little before the daemon reports that the domain has stopped. */
const graceMs = 2000

async function isHalted(client: AdminClient, dest: string): Promise<boolean> {
  try {
    const [item] = await client.call(vmList, { dest })
    return item?.state === 'Halted'
  } catch (error) {
    // A disposable is removed when it stops.
    if (error instanceof QubesVMNotFoundError) return true
    throw error
  }
}

/** True when a domain has stopped, or stops within the next moments. */
export async function hasStopped(client: AdminClient, dest: string): Promise<boolean> {
  const signal = AbortSignal.timeout(graceMs)
  try {
    for await (const { name } of client.events({ dest, signal })) {
      if (name === 'domain-shutdown') return true
      if (name === 'connection-established' && (await isHalted(client, dest))) return true
    }
    return false
  } catch (error) {
    if (error instanceof QubesVMNotFoundError) return true
    if (signal.aborted) return false
    throw error
  }
}

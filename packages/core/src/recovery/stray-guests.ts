import { errorChain } from '@cloister/kit'
import type { Domain } from '@cloister/libvirt'
import type { HypervisorPort } from '../domains/ports/hypervisors.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'

/** Running guests by the uuid of their domain. */
export type Guests = ReadonlyMap<string, Domain>

/**
 * Ends guests that belong to no domain: no call can reach them, and they may write to volumes of other domains. On a hypervisor
 * that is shared with other programs such guests may belong to those programs; they are only logged.
 */
export async function endStrayGuests(app: System, { capabilities }: HypervisorPort, guests: Guests): Promise<void> {
  for (const [uuid, guest] of guests) {
    const vm = app.domains.findUuid(uuid)
    if (vm instanceof QubesVM && vm.run) continue
    const details = { guest: guest.name, uuid }
    if (!vm && !capabilities.exclusive) {
      app.log.warn(
        'a guest runs that belongs to no domain; it is left alone, as others use the hypervisor too',
        details,
      )
      continue
    }
    app.log.error('a guest runs that belongs to no domain: it is ended', details)
    try {
      await guest.destroy()
    } catch (error) {
      app.log.error('a guest that belongs to no domain could not be ended', { ...details, error: errorChain(error) })
    }
  }
}

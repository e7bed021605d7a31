import { errorChain } from '@cloister/kit'
import type { Domain, DomainStateAndReason } from '@cloister/libvirt'
import type { HypervisorPort } from '../domains/ports/hypervisors.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'
import { endStrayGuests, type Guests } from './stray-guests.ts'

/**
 * Guests outlive a lost connection to their hypervisor. Until it is made again their state is unknown; then each run is matched
 * with its guest, and the stop of a guest that has ended meanwhile is handled.
 */
export function watchConnection(app: System, hypervisor: HypervisorPort): void {
  hypervisor.watch({
    lost: (error) => {
      app.log.error('the connection to the hypervisor is lost: the state of its guests is unknown', {
        error: errorChain(error),
      })
      for (const vm of running(app, hypervisor)) vm.run?.enter('nostate')
    },
    back: async () => {
      const guests: Guests = new Map((await hypervisor.running()).map((domain) => [domain.uuid, domain]))
      for (const vm of running(app, hypervisor)) await matchRun(vm, guests)
      await endStrayGuests(app, hypervisor, guests)
      app.log.info('the connection to the hypervisor was made again', { guests: guests.size })
    },
  })
}

function running(app: System, hypervisor: HypervisorPort): QubesVM[] {
  return [...app.domains.running()].filter((vm) => app.hypervisors.of(vm) === hypervisor)
}

async function matchRun(vm: QubesVM, guests: Guests): Promise<void> {
  const { run } = vm
  if (!run || run.stopReceived) return
  const guest = guests.get(vm.uuid)
  if (!guest) return vm.lifeCycle.onHypervisorEvent('stopped')
  run.domain = guest
  const found = await stateOf(vm, guest)
  // The state of this guest stays unknown until its next event; the other guests are matched all the same.
  if (!found) return
  const { state, why } = found
  if (state === 'shutoff') return vm.lifeCycle.onHypervisorEvent('stopped')
  run.enter(state)
  run.pausedWhy = state === 'paused' ? why : undefined
}

async function stateOf(vm: QubesVM, guest: Domain): Promise<DomainStateAndReason | undefined> {
  try {
    return await guest.getState()
  } catch (error) {
    vm.app.log.error('the state of a guest cannot be read after the hypervisor was connected again', {
      domain: vm.name,
      error: errorChain(error),
    })
    return undefined
  }
}

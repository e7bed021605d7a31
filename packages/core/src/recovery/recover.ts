import { errorChain } from '@cloister/kit'
import type { Domain } from '@cloister/libvirt'
import type { Intent, IntentKind } from '../changes/intents.ts'
import type { HypervisorPort } from '../domains/ports/hypervisors.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { Run } from '../domains/run.ts'
import type { System } from '../domains/system.ts'
import { watchConnection } from './lost-connection.ts'
import { endStrayGuests, type Guests } from './stray-guests.ts'

/** How start-up finishes or undoes each kind of intent that the last daemon has left (design: decision 6). */
const resolutions: Readonly<Record<IntentKind, (app: System, intent: Intent, guests: Guests) => Promise<void>>> = {
  create: (app, intent) => clearLeftover(app, intent),
  remove: (app, intent) => clearLeftover(app, intent),
  run: (app, intent, guests) => resolveRun(app, intent, guests),
  'pool-add': async (app, intent) => {
    await app.pools.resolveAdd(intent.subject, intent.details)
    await dropIntent(app, intent)
  },
}

/** Adopts running guests and finishes or undoes interrupted work; called before any request is served. */
export async function recover(app: System, intents: readonly Intent[]): Promise<void> {
  for (const hypervisor of app.hypervisors.all()) await recoverOn(app, hypervisor, intents)
}

async function recoverOn(app: System, hypervisor: HypervisorPort, intents: readonly Intent[]): Promise<void> {
  await hypervisor.listen(({ domain, event, why }) => {
    const vm = app.domains.findUuid(domain.uuid)
    if (vm instanceof QubesVM) vm.lifeCycle.onHypervisorEvent(event, why)
  })
  const guests: Guests = new Map((await hypervisor.running()).map((domain) => [domain.uuid, domain]))
  for (const intent of intents) {
    try {
      await resolutions[intent.kind](app, intent, guests)
    } catch (error) {
      app.log.error('interrupted work could not be finished or undone: the next start tries again', {
        kind: intent.kind,
        subject: intent.subject,
        error: errorChain(error),
      })
    }
  }
  await endStrayGuests(app, hypervisor, guests)
  watchConnection(app, hypervisor)
}

async function dropIntent(app: System, intent: Intent): Promise<void> {
  await app.changes.make((unit) => app.intents.end(unit, intent))
}

/** Removes images; images that cannot be removed now are removed later, while the daemon runs. */
async function clearLeftover(app: System, intent: Intent): Promise<void> {
  try {
    await app.leftovers.clear(intent)
  } catch (error) {
    app.leftovers.add(intent, error)
  }
}

/** Adopts the guest of a run; when it has ended, stops its volumes. */
async function resolveRun(app: System, intent: Intent, guests: Guests): Promise<void> {
  const vm = app.domains.find(intent.subject)
  if (!(vm instanceof QubesVM)) return dropIntent(app, intent)
  app.runs.load(vm, intent)
  const guest = guests.get(vm.uuid)
  if (guest && (await takeOver(vm, guest, intent))) return
  await app.power.of(vm).handleMissedStop()
}

/** Adopts a running guest, or ends a guest whose start was interrupted; false when the guest has ended meanwhile. */
async function takeOver(vm: QubesVM, guest: Domain, intent: Intent): Promise<boolean> {
  const startedAt = Number(intent.details['startedAt'] ?? vm.app.os.clock.now())
  const usable = !vm.featureWithTemplate('qrexec')
  const run = new Run(guest, { startedAt, state: 'nostate', released: true, usable })
  const life = vm.app.power.of(vm)
  // The run is set before the guest's state is asked for, so that an event about its end is not missed.
  vm.run = run
  life.adopt()
  const { state, why } = await guest.getState()
  if (run.stopReceived) return true
  if (state === 'shutoff') {
    vm.run = undefined
    return false
  }
  run.enter(state)
  if (state === 'paused') run.pausedWhy = why
  if (!intent.details['started'] && state === 'paused') await life.endInterruptedStart(run)
  else await vm.app.runs.started(vm)
  return true
}

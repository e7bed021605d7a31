import { errorChain } from '@cloister/kit'
import type { Domain } from '@cloister/libvirt'
import type { Intent, IntentKind } from '../changes/intents.ts'
import type { HypervisorPort } from '../domains/ports/hypervisors.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { Run } from '../domains/run.ts'
import type { System } from '../domains/system.ts'

/** What start-up does about each kind of work that the end of the last daemon interrupted (design: decision 6). */
const resolutions: Readonly<Record<IntentKind, (app: System, intent: Intent, guests: Guests) => Promise<void>>> = {
  create: (app, intent) => clearLeftover(app, intent),
  remove: (app, intent) => clearLeftover(app, intent),
  run: (app, intent, guests) => resolveRun(app, intent, guests),
  'pool-add': async (app, intent) => {
    await app.pools.resolveAdd(intent.subject, intent.details)
    await dropIntent(app, intent)
  },
}

/** Guests that run now, by the identity of their domain. */
type Guests = ReadonlyMap<string, Domain>

/** Finds running guests again and finishes or undoes what was interrupted; before any call is served. */
export async function recover(app: System, intents: readonly Intent[]): Promise<void> {
  for (const hypervisor of app.hypervisors.all()) await recoverOn(app, hypervisor, intents)
}

async function recoverOn(app: System, hypervisor: HypervisorPort, intents: readonly Intent[]): Promise<void> {
  await hypervisor.listen(({ domain, event }) => {
    const vm = app.domains.findUuid(domain.uuid)
    if (vm instanceof QubesVM) vm.lifeCycle.onHypervisorEvent(event)
  })
  const guests = new Map((await hypervisor.running()).map((domain) => [domain.uuid, domain]))
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
}

/**
 * Ends guests that no domain of the system has: nothing can be done with them any more, and they may write to volumes that
 * others use. On a hypervisor that others use, too, they may be somebody else's and are only logged.
 */
async function endStrayGuests(app: System, { capabilities }: HypervisorPort, guests: Guests): Promise<void> {
  for (const [uuid, guest] of guests) {
    const vm = app.domains.findUuid(uuid)
    if (vm instanceof QubesVM && vm.run) continue
    const details = { guest: guest.name, uuid }
    if (!capabilities.exclusive) {
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

async function dropIntent(app: System, intent: Intent): Promise<void> {
  await app.changes.make((unit) => app.intents.end(unit, intent))
}

/** What cannot be removed now is tried again while the daemon runs. */
async function clearLeftover(app: System, intent: Intent): Promise<void> {
  try {
    await app.leftovers.clear(intent)
  } catch (error) {
    app.leftovers.add(intent, error)
  }
}

/** A guest that still runs is taken over; the volumes of one that has ended are stopped, once. */
async function resolveRun(app: System, intent: Intent, guests: Guests): Promise<void> {
  const vm = app.domains.find(intent.subject)
  if (!(vm instanceof QubesVM)) return dropIntent(app, intent)
  app.runs.load(vm, intent)
  const guest = guests.get(vm.uuid)
  if (guest && (await takeOver(vm, guest, intent))) return
  await app.power.of(vm).handleMissedStop()
}

/** Takes over a running guest, or ends a guest whose start was interrupted; false when the guest has ended meanwhile. */
async function takeOver(vm: QubesVM, guest: Domain, intent: Intent): Promise<boolean> {
  const startedAt = Number(intent.details['startedAt'] ?? vm.app.os.clock.now())
  const usable = !vm.featureWithTemplate('qrexec')
  const run = new Run(guest, { startedAt, state: 'nostate', released: true, usable })
  const life = vm.app.power.of(vm)
  // The run is set before the guest's state is asked for, so that an event about its end is not missed.
  vm.run = run
  life.adopt()
  const { state } = await guest.getState()
  if (run.stopReceived) return true
  if (state === 'shutoff') {
    vm.run = undefined
    return false
  }
  run.enter(state)
  if (!intent.details['started'] && state === 'paused') await life.endInterruptedStart(run)
  else await vm.app.runs.started(vm)
  return true
}

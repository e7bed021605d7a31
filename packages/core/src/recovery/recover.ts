import { errorChain } from '@cloister/kit'
import type { Domain } from '@cloister/libvirt'
import type { App } from '../app.ts'
import type { Intent, IntentKind } from '../changes/intents.ts'
import { autoCleanup, DispVM } from '../domains/disp-vm.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import { Run } from '../life/run.ts'
import { removeDomain } from '../operations/remove-domain.ts'
import type { VolumePlace } from '../storage/domain-storage.ts'

/** What start-up does about each kind of work that the end of the last daemon interrupted (design: decision 6). */
const resolutions: Readonly<Record<IntentKind, (app: App, intent: Intent, guests: Guests) => Promise<void>>> = {
  create: (app, intent) => removeVolumes(app, intent),
  remove: async (app, intent) => {
    await app.hypervisor.undefine({ uuid: String(intent.details['uuid']) })
    await removeVolumes(app, intent)
  },
  run: (app, intent, guests) => resolveRun(app, intent, guests),
  'pool-add': async (app, intent) => {
    await app.pools.resolveAdd(intent.subject, intent.details)
    await dropIntent(app, intent)
  },
}

/** Guests that run now, by the identity of their domain. */
type Guests = ReadonlyMap<string, Domain>

/** Finds running guests again and finishes or undoes what was interrupted; before any call is served. */
export async function recover(app: App, intents: readonly Intent[]): Promise<void> {
  app.hypervisor.listen(({ domain, event }) => {
    const vm = app.domains.findUuid(domain.uuid)
    if (vm instanceof QubesVM) vm.lifeCycle.onHypervisorEvent(event)
  })
  const guests = new Map((await app.hypervisor.running()).map((domain) => [domain.uuid, domain]))
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
}

async function dropIntent(app: App, intent: Intent): Promise<void> {
  await app.change((unit) => app.intents.end(unit, intent))
}

async function removeVolumes(app: App, intent: Intent): Promise<void> {
  // Another domain may have got the name since, and with it the volumes.
  const kept = app.domains.find(intent.subject)?.storage?.places() ?? []
  for (const { pool, vid } of intent.details['volumes'] as readonly VolumePlace[]) {
    if (kept.some((place) => place.pool === pool && place.vid === vid)) continue
    const name = vid.slice(vid.lastIndexOf('/') + 1)
    await app.pools.get(pool).initVolume({ name, vid, rw: true, saveOnStop: true, snapOnStart: false }).remove()
  }
  await dropIntent(app, intent)
}

/** A guest that still runs is taken over; the volumes of one that has ended are stopped, once. */
async function resolveRun(app: App, intent: Intent, guests: Guests): Promise<void> {
  const vm = app.domains.find(intent.subject)
  if (!(vm instanceof QubesVM)) return dropIntent(app, intent)
  app.runs.load(vm, intent)
  const guest = guests.get(vm.uuid)
  if (guest && (await takeOver(vm, guest, intent))) return
  await vm.storage.stop()
  await app.runs.ended(vm)
  if (vm instanceof DispVM && vm.get(autoCleanup)) await removeDomain(vm)
}

/** Takes over a running guest, or ends a guest whose start was interrupted; false when the guest has ended meanwhile. */
async function takeOver(vm: QubesVM, guest: Domain, intent: Intent): Promise<boolean> {
  const startedAt = Number(intent.details['startedAt'] ?? vm.app.os.clock.now())
  const usable = !vm.featureWithTemplate('qrexec')
  const run = new Run(guest, { startedAt, state: 'nostate', starting: false, usable })
  // The run is set before the guest's state is asked for, so that an event about its end is not missed.
  vm.run = run
  const { state } = await guest.getState()
  if (run.stopReceived) return true
  if (state === 'shutoff') {
    vm.run = undefined
    return false
  }
  run.enter(state)
  if (!intent.details['started'] && state === 'paused') await vm.lifeCycle.abandon(run)
  else await vm.app.runs.started(vm)
  return true
}

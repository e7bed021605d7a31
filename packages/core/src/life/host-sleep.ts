import { errorText, msg, QubesVMError } from '@cloister/kit'
import type { App } from '../app.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'

/** Domains that were not running anyway when the host went to sleep. */
const keptAsleep = new WeakMap<App, ReadonlySet<QubesVM>>()

/** Suspends all running domains before the host sleeps (reference: storage-and-lifecycle, B.4.3). */
export async function suspendHost(app: App): Promise<void> {
  await app.preloads.removeAll()
  const running = [...app.domains.running()]
  const asleep = running.filter(({ powerState }) => powerState === 'Paused' || powerState === 'Suspended')
  keptAsleep.set(app, new Set(asleep))
  await all(
    running.filter((vm) => !asleep.includes(vm)),
    'suspended',
    (vm) => vm.lifeCycle.suspend(),
  )
}

/** Resumes what `suspendHost` has suspended. */
export async function resumeHost(app: App): Promise<void> {
  const asleep = keptAsleep.get(app) ?? new Set()
  keptAsleep.delete(app)
  const suspended = [...app.domains.running()].filter(
    (vm) => !asleep.has(vm) && (vm.powerState === 'Paused' || vm.powerState === 'Suspended'),
  )
  await all(suspended, 'resumed', (vm) => vm.lifeCycle.resume())
  app.preloads.autostart()
}

async function all(domains: readonly QubesVM[], what: string, work: (vm: QubesVM) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(domains.map(work))
  const failed = results.flatMap((result, at) =>
    result.status === 'rejected' ? [`${domains[at]?.name}: ${errorText(result.reason)}`] : [],
  )
  if (failed.length > 0) throw new QubesVMError(msg`Not all domains could be ${what}: ${failed.join('; ')}`)
}

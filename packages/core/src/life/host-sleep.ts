import { errorText, msg, QubesVMError } from '@cloister/kit'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'

/** Preloaded disposables: they are removed before the host sleeps and made anew after it. */
export interface PreloadedDisposables {
  removeAll(): Promise<void>
  autostart(): void
}

/** The sleep of the host: all running domains are suspended before it, and resumed after it (reference: storage-and-lifecycle, B.4.3). */
export class HostSleep {
  readonly #app: System
  readonly #preloaded: PreloadedDisposables
  /** Domains that the daemon suspended and must resume; domains that a user had paused are not among them. */
  readonly #suspended = new Set<QubesVM>()

  constructor(app: System, preloaded: PreloadedDisposables) {
    this.#app = app
    this.#preloaded = preloaded
  }

  async suspend(): Promise<void> {
    await this.#preloaded.removeAll()
    const awake = [...this.#app.domains.running()].filter(
      ({ powerState }) => powerState !== 'Paused' && powerState !== 'Suspended',
    )
    await all(awake, 'suspended', async (vm) => {
      await vm.lifeCycle.suspend()
      this.#suspended.add(vm)
    })
  }

  /** Resumes only the domains that `suspend` has suspended. */
  async resume(): Promise<void> {
    const asleep = [...this.#suspended].filter(
      ({ powerState }) => powerState === 'Paused' || powerState === 'Suspended',
    )
    this.#suspended.clear()
    await all(asleep, 'resumed', (vm) => vm.lifeCycle.resume())
    this.#preloaded.autostart()
  }
}

async function all(domains: readonly QubesVM[], what: string, work: (vm: QubesVM) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(domains.map(work))
  const failed = results.flatMap((result, at) =>
    result.status === 'rejected' ? [`${domains[at]?.name}: ${errorText(result.reason)}`] : [],
  )
  if (failed.length > 0) throw new QubesVMError(msg`Not all domains could be ${what}: ${failed.join('; ')}`)
}

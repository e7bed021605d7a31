import type { Domain, DomainState } from '@cloister/libvirt'
import type { PowerState } from '../domains/power-state.ts'

const shown: Readonly<Record<DomainState, PowerState>> = {
  nostate: 'Transient',
  running: 'Running',
  blocked: 'Running',
  paused: 'Paused',
  shutdown: 'Halting',
  shutoff: 'Dying',
  crashed: 'Crashed',
  pmsuspended: 'Suspended',
}

/** One run of a domain, from the moment its guest exists until its stop is handled. */
export class Run {
  readonly domain: Domain
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** As the hypervisor last said. */
  state: DomainState
  /** False until every check says that the guest can be used. */
  usable: boolean
  /** True from the creation of the guest until it was let go for the first time. */
  starting: boolean
  /** The next notice that the guest goes on is for a request of ours, which fires the event itself. */
  expectsResume = false
  /** What the guest is told of itself. */
  database: ReadonlyMap<string, string> = new Map()
  /** The guest is gone. */
  stopReceived = false
  /** Resolves, or rejects with what failed, when the stop is handled; shared by everybody who waits. */
  readonly ended: Promise<void>
  readonly #settle: { resolve: () => void; reject: (error: unknown) => void }
  readonly #waiters = new Set<() => void>()

  constructor(domain: Domain, options: { startedAt: number; state: DomainState; starting: boolean; usable: boolean }) {
    this.domain = domain
    this.startedAt = options.startedAt
    this.state = options.state
    this.starting = options.starting
    this.usable = options.usable
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.ended = promise
    // Whoever waits is told; when nobody does, the failure is in the log.
    this.ended.catch(() => {})
    this.#settle = { resolve, reject }
  }

  /** The hypervisor's number of the domain. */
  get id(): number {
    return this.domain.id
  }

  get powerState(): PowerState {
    return this.state === 'running' && !this.usable ? 'Transient' : shown[this.state]
  }

  /** Notes a state that the hypervisor told of. */
  enter(state: DomainState): void {
    this.state = state
    for (const waiter of [...this.#waiters]) waiter()
  }

  /** Resolves when the hypervisor has told of `state`, or the run is over. */
  reached(state: DomainState): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.state !== state && !this.stopReceived) return
        this.#waiters.delete(check)
        resolve()
      }
      this.#waiters.add(check)
      check()
    })
  }

  /** Follows the handling of the stop. */
  follow(handling: Promise<void>): void {
    this.stopReceived = true
    this.enter('shutoff')
    handling.then(this.#settle.resolve, this.#settle.reject)
  }
}

import type { Domain, DomainState } from '@cloister/libvirt'
import { type Clock, within } from '@cloister/os'
import type { PowerState } from './power-state.ts'

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

/** What is known of a run when its record is made. */
export interface RunStart {
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly state: DomainState
  /** The guest was resumed for the first time. */
  readonly released: boolean
  /** No check of the guest is missing before it can be used. */
  readonly usable: boolean
}

/** One run of a domain, from the moment its guest exists until its stop is handled. */
export class Run {
  /** The guest at the hypervisor; another object when the connection was lost and made again. */
  domain: Domain
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** As the hypervisor last said. */
  state: DomainState
  /** False until every check says that the guest can be used. */
  usable: boolean
  /** False until the guest, which is created paused, was resumed for the first time. */
  released: boolean
  /** The next notice that the guest was resumed follows a request of the daemon, which fires the event itself. */
  expectsResume = false
  /** What the guest is told of itself. */
  database: ReadonlyMap<string, string> = new Map()
  /** Why the hypervisor has paused the guest by itself, such as a full disk; undefined otherwise. */
  pausedWhy: string | undefined
  /** The guest is gone. */
  stopReceived = false
  /** Resolves, or rejects with what failed, when the stop is handled; shared by all who wait. */
  readonly ended: Promise<void>
  readonly #settle: { resolve: () => void; reject: (error: unknown) => void }
  readonly #waiters = new Set<() => void>()

  constructor(domain: Domain, { startedAt, state, released, usable }: RunStart) {
    this.domain = domain
    this.startedAt = startedAt
    this.state = state
    this.released = released
    this.usable = usable
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.ended = promise
    // A failure is in the log already: when nothing waits for the end, the failure is no unhandled rejection.
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

  /** Resolves when the hypervisor has told of `state`, or the run is over. @throws TooLateError after `ms` */
  async reached(state: DomainState, clock: Clock, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const check = (): void => {
      if (this.state === state || this.stopReceived) resolve()
    }
    this.#waiters.add(check)
    check()
    try {
      await within({ clock, ms, what: `The state ${state} of the guest of ${this.domain.name}` }, promise)
    } finally {
      this.#waiters.delete(check)
    }
  }

  /** Notes that the guest is gone; `handling` ends when its stop is handled. */
  noteStop(handling: () => Promise<void>): void {
    this.stopReceived = true
    this.enter('shutoff')
    handling().then(this.#settle.resolve, this.#settle.reject)
  }
}

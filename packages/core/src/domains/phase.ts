import {
  type CloisterError,
  type Message,
  msg,
  QubesVMNotFoundError,
  QubesVMNotHaltedError,
  QubesVMNotRunningError,
  QubesVMNotStartedError,
} from '@cloister/kit'
import { type Clock, within } from '@cloister/os'

/**
 * What is being done with a domain as a whole. A domain has one phase at a time; `halted` and `running` last until a caller
 * asks for something, the others end by themselves.
 */
export type PhaseName = 'halted' | 'starting' | 'running' | 'stopping' | 'changing' | 'removing' | 'removed'

/** Which phase may follow which. */
const successors: Readonly<Record<PhaseName, readonly PhaseName[]>> = {
  halted: ['starting', 'changing', 'removing', 'running', 'stopping'],
  starting: ['running', 'stopping'],
  running: ['stopping'],
  stopping: ['halted', 'removing'],
  changing: ['halted'],
  removing: ['halted', 'removed'],
  removed: [],
}

/** How a phase is told to a user: `work is being started`. */
const words: Readonly<Record<PhaseName, string>> = {
  halted: 'halted',
  starting: 'being started',
  running: 'running',
  stopping: 'being stopped',
  changing: 'being changed',
  removing: 'being removed',
  removed: 'removed',
}

interface Rule {
  readonly phases: readonly PhaseName[]
  /** Completes the sentence "… of work is refused". */
  readonly what: string
  readonly Refusal: new (text: Message) => CloisterError
}

const whenHalted = (what: string): Rule => ({ phases: ['halted'], what, Refusal: QubesVMNotHaltedError })
const unlessTransient = (what: string): Rule => ({
  phases: ['halted', 'running'],
  what,
  Refusal: QubesVMNotHaltedError,
})
const withGuest = (what: string): Rule => ({ phases: ['starting', 'running'], what, Refusal: QubesVMNotStartedError })

/** What may be done with a domain in which phase (decision: the phase of a domain). A paused domain is in the phase `running`. */
export const rules = {
  start: whenHalted('The start'),
  remove: whenHalted('The removal'),
  setTemplate: whenHalted('Changing the template'),
  setRw: whenHalted('Changing rw of a volume'),
  switchSnapshots: whenHalted('Switching snapshots of a volume'),
  replaceVolume: whenHalted('Replacing the content of a volume'),
  resize: unlessTransient('Resizing a volume'),
  setNetvm: unlessTransient('Changing the netvm'),
  shutdown: withGuest('Shutting down'),
  kill: withGuest('Ending the guest'),
  pause: { ...withGuest('Pausing'), Refusal: QubesVMNotRunningError },
} as const satisfies Readonly<Record<string, Rule>>

export type Action = keyof typeof rules

/** How long a caller waits for a phase that ends by itself, ms: the volumes of a domain may have to be copied. */
const patienceMs = 120_000

/** The phase of one domain, and what is being done in it. Only `life/` and `operations/` move it on. */
export class Phase {
  readonly #title: string
  #name: PhaseName = 'halted'
  #operation: string | undefined
  #holds = 0
  #left: PromiseWithResolvers<void> | undefined

  /** @param title name of the domain, for error texts */
  constructor(title: string) {
    this.#title = title
  }

  get name(): PhaseName {
    return this.#name
  }

  /** True when the phase ends without a request. */
  get isTransient(): boolean {
    return this.#name !== 'halted' && this.#name !== 'running' && this.#name !== 'removed'
  }

  allows(action: Action): boolean {
    const { phases }: Rule = rules[action]
    return phases.includes(this.#name) && !(action === 'remove' && this.#holds > 0)
  }

  /** Refuses what may not be done now, with what is being done instead. @throws the error class of the action's rule */
  require(action: Action): void {
    if (this.allows(action)) return
    if (this.#name === 'removed') throw new QubesVMNotFoundError(msg`There is no domain ${this.#title} any more`)
    const { what, Refusal }: Rule = rules[action]
    throw new Refusal(msg`${what} of ${this.#title} is refused: it is ${this.#doing}${this.#hint}`)
  }

  /** Moves on to the next phase. `operation` says more closely what is done, such as `importing into its volume private`. */
  enter(name: PhaseName, operation?: string): void {
    if (!successors[this.#name].includes(name))
      throw new Error(`the domain ${this.#title} cannot pass from the phase ${this.#name} to ${name}`)
    this.#name = name
    this.#operation = operation
    this.#tell()
  }

  /** Does `work` in the phase `changing`, between `halted` and `halted`. @throws when the action is not allowed now */
  async during<T>(action: Action, operation: string, work: () => Promise<T>): Promise<T> {
    this.require(action)
    this.enter('changing', operation)
    try {
      return await work()
    } finally {
      this.enter('halted')
    }
  }

  /** Keeps the domain from being removed until disposed, whatever its phase; its volumes are being read. */
  hold(): Disposable {
    if (this.#name === 'removing' || this.#name === 'removed')
      throw new QubesVMNotFoundError(msg`There is no domain ${this.#title} any more`)
    this.#holds++
    return {
      [Symbol.dispose]: () => {
        this.#holds--
        this.#tell()
      },
    }
  }

  /**
   * Waits, for a limited time, while the phase is one that ends by itself, then refuses the action if it is still not allowed.
   * Other callers may have waited, too, and the first of them acts: each requires the action again, right before it acts.
   * @throws the error class of the action's rule
   */
  async settle(clock: Clock, action: Action): Promise<void> {
    const end = clock.monotonic() + patienceMs
    const { what, Refusal }: Rule = rules[action]
    const refusal = (late: string): Error => new Refusal(msg`${what} of ${this.#title} is refused: it ${late}`)
    while (!this.allows(action) && this.#willEnd(action)) await this.#next(clock, end, refusal)
    this.require(action)
  }

  /** Waits, for a limited time, until nothing is being done with the domain: it is halted, running or removed. */
  async settled(clock: Clock): Promise<void> {
    const end = clock.monotonic() + patienceMs
    while (this.isTransient)
      await this.#next(clock, end, (late) => new QubesVMNotHaltedError(msg`${this.#title} ${late}`))
  }

  /** A start does not end in `halted`, so there is no use in waiting for it when the action needs that. */
  #willEnd(action: Action): boolean {
    if (this.#name === 'starting') return (rules[action] as Rule).phases.includes('running')
    return this.isTransient || this.#holds > 0
  }

  /** Waits for the next change of the phase. @throws what `refusal` makes of the words for a phase that lasts too long */
  async #next(clock: Clock, end: number, refusal: (late: string) => Error): Promise<void> {
    this.#left ??= Promise.withResolvers<void>()
    const onLate = (): Error => refusal(`has been ${this.#doing} for more than ${patienceMs / 1000} s`)
    const wait = { clock, ms: Math.max(0, end - clock.monotonic()), what: `the end of the phase ${this.#name}`, onLate }
    await within(wait, this.#left.promise)
  }

  #tell(): void {
    this.#left?.resolve()
    this.#left = undefined
  }

  get #doing(): string {
    const held = this.#holds > 0 && this.#name !== 'removing' ? ' and its volumes are being copied' : ''
    return this.#operation === undefined
      ? `${words[this.#name]}${held}`
      : `${words[this.#name]} (${this.#operation})${held}`
  }

  get #hint(): string {
    if (this.#name === 'running') return ': shut it down first'
    return this.isTransient ? ': try again when that is done' : ''
  }
}

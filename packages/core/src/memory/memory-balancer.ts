import type { Log } from '@cloister/kit'
import { errorChain, Mutex, msg, QubesMemoryError } from '@cloister/kit'
import type { Os, Timer } from '@cloister/os'
import type { HypervisorPort } from '../domains/ports/hypervisors.ts'
import type { MemoryManager, Reservation } from '../domains/ports/memory-manager.ts'
import { maxmem } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { Run } from '../domains/run.ts'
import { balance, donate, gains, isSignificant, mib, preferred, spare, type Target } from './balance.ts'
import { hostMemory } from './host-memory.ts'
import { RunningGuest } from './running-guest.ts'

/** Between two balances, ms: as often as guests report. */
const periodMs = 2000
/** Between two readings of the host's memory while guests yield, ms. */
const stepMs = 100
/** Figures of this age are recent enough to see that plenty of memory is free, ms. */
const recentMs = 1000
/** Readings before a guest that is to get memory gets only what is free then. */
const patience = 5
/** Free memory beyond what a new guest needs: at least, and as is aimed at, KiB. */
const margin = { least: 25 * mib, goal: 50 * mib } as const
/** How far a guest may grow into the host's reserve, as figures are never exact, KiB. */
const slack = 5 * mib
/** Making room continues while `least` KiB are moved in `steps` steps. */
const progress = { steps: 30, least: 300 * mib } as const
/** Shrinking continues while `least` KiB are moved in `steps` steps, until the guest has at most `near` times its target. */
const shrinking = { steps: 10, least: 100 * mib, near: 1.1 } as const

export interface BalancerParts {
  readonly os: Os
  readonly hypervisor: HypervisorPort
  readonly log: Log
  /** Domains with a guest. */
  running(): Iterable<QubesVM>
}

/**
 * Moves memory between host and guests (reference: storage-and-lifecycle, B.10, C.5). A start reserves what it needs until its
 * guest exists; meanwhile nothing is balanced. While no running guest can be balanced there is not even a timer.
 */
export class MemoryBalancer implements MemoryManager {
  readonly #parts: BalancerParts
  /** Held while memory is moved. */
  readonly #lock = new Mutex()
  readonly #guests = new WeakMap<Run, RunningGuest>()
  /** KiB that are kept for domains whose guest does not exist yet. */
  readonly #reservations = new Map<QubesVM, number>()
  #timer: Timer | undefined
  #closed = false

  constructor(parts: BalancerParts) {
    this.#parts = parts
  }

  async reserve(vm: QubesVM, bytes: number): Promise<Reservation> {
    if (!this.#counts) return { release: () => {} }
    const wanted = Math.ceil(bytes / 1024)
    await this.#lock.run(async () => {
      await this.#makeRoom(vm, wanted)
      this.#reservations.set(vm, wanted)
    })
    return { release: () => void this.#reservations.delete(vm) }
  }

  async available(): Promise<number | undefined> {
    if (!this.#counts) return undefined
    const guests = await this.#read(recentMs)
    return spare(guests, await this.#free(guests))
  }

  async shrink(vm: QubesVM, signal: AbortSignal): Promise<void> {
    const guest = vm.run && this.#guest(vm, vm.run)
    if (!guest || !this.#counts) return
    await guest.read()
    if (guest.used === undefined) return
    const target = preferred(guest)
    guest.busy = true
    try {
      await this.#set({ guest, memory: Math.min(target, guest.actual) })
      await this.#follow(guest, target * shrinking.near, signal)
    } finally {
      guest.busy = false
    }
  }

  watch(): void {
    if (this.#closed || this.#timer || !this.#counts || ![...this.#parts.running()].some(canBeBalanced)) return
    this.#timer = this.#parts.os.clock.after(periodMs, () => void this.#tick())
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  /** A hypervisor without real guests needs no memory. */
  get #counts(): boolean {
    return this.#parts.hypervisor.capabilities.balloon
  }

  async #tick(): Promise<void> {
    try {
      await this.#lock.run(() => this.#balance())
    } catch (error) {
      this.#parts.log.warn('memory could not be balanced', { error: errorChain(error) })
    }
    this.#timer = undefined
    this.watch()
  }

  async #balance(): Promise<void> {
    if (this.#reservations.size > 0 || this.#closed) return
    const guests = await this.#read(0)
    const free = await this.#free(guests)
    const targets = balance(guests, free)
    if (isSignificant(targets, free)) await this.#apply(targets)
  }

  /** Sets targets: first of the guests that give memory; the others wait until that memory is free. */
  async #apply(targets: readonly Target<RunningGuest>[]): Promise<void> {
    const donors = targets.filter((target) => !gains(target))
    const before = donors.map(asked)
    for (const donor of donors) await this.#set(donor)
    let free = await this.#freeNow()
    for (const { guest, memory } of targets.filter(gains)) {
      const more = memory - guest.actual
      for (let looks = 0; free < more - slack && looks < patience; looks++) {
        await this.#parts.os.clock.sleep(stepMs)
        free = await this.#freeNow()
      }
      const enough = free >= more - slack
      const granted = enough ? more : Math.max(0, free)
      if (granted > 0) await this.#set({ guest, memory: guest.actual + granted })
      if (!enough) return void markStuck(before)
      free -= more
    }
  }

  /** Has guests yield until `wanted` is free. @throws QubesMemoryError when they cannot, or do not */
  async #makeRoom(vm: QubesVM, wanted: number): Promise<void> {
    const plenty = await this.#free(await this.#read(recentMs))
    if (plenty >= wanted + margin.least) return
    let window: Window | undefined
    for (;;) {
      const guests = await this.#read(0)
      const free = await this.#free(guests)
      if (free >= wanted + margin.least) return this.#stopGrowth(guests)
      const targets = donate(guests, wanted + margin.goal - free)
      if (!targets) throw refusal(vm, wanted, free)
      window ??= { steps: 0, free, asked: targets.map(asked) }
      if (window.steps++ >= progress.steps) {
        // Guests that have yielded nothing are not counted on any more; other guests may have memory to give.
        if (free - window.free < progress.least && !markStuck(window.asked)) throw refusal(vm, wanted, free)
        window = undefined
        continue
      }
      for (const target of targets) await this.#set(target)
      await this.#parts.os.clock.sleep(stepMs)
    }
  }

  /** Guests that still grow stop, so that they do not take the memory that was found free for a start. */
  async #stopGrowth(guests: readonly RunningGuest[]): Promise<void> {
    for (const guest of guests) {
      if (guest.actual > guest.current) await this.#set({ guest, memory: guest.current })
    }
  }

  /** Waits until the guest has at most `goal`; gives up when it is too slow. */
  async #follow(guest: RunningGuest, goal: number, signal: AbortSignal): Promise<void> {
    let before = guest.current
    for (let step = 1; guest.current > goal && !signal.aborted; step++) {
      await this.#parts.os.clock.sleep(stepMs)
      await guest.read()
      if (step % shrinking.steps > 0) continue
      if (before - guest.current < shrinking.least) return
      before = guest.current
    }
  }

  /**
   * All running guests, with figures that are no older than `age` ms. All are asked at once, for a limited time. Of guests for
   * which the hypervisor does not answer the old figures count, but their memory is not moved; guests that have ended are left out.
   */
  async #read(age: number): Promise<RunningGuest[]> {
    const since = this.#parts.os.clock.monotonic() - age
    const guests = [...this.#parts.running()].flatMap((vm) => {
      const { run } = vm
      return run && !run.stopReceived && !this.#reservations.has(vm) ? [this.#guest(vm, run)] : []
    })
    const read = await Promise.allSettled(guests.map((guest) => (guest.readAt <= since ? guest.read() : undefined)))
    return guests.filter((guest, at) => read[at]?.status === 'fulfilled' || guest.silent)
  }

  /** What is free for guests, KiB: without what is reserved, and what guests may still take without asking. */
  async #free(guests: readonly RunningGuest[]): Promise<number> {
    let free = await hostMemory(this.#parts.os)
    for (const reserved of this.#reservations.values()) free -= reserved
    for (const { outstanding } of guests) free -= outstanding
    return free
  }

  async #freeNow(): Promise<number> {
    return this.#free(await this.#read(0))
  }

  /** Sets the memory of one guest. A failure is logged only: a guest may end at any moment, and the others are balanced all the same. */
  async #set({ guest, memory }: Target<RunningGuest>): Promise<void> {
    if (guest.silent) return
    try {
      await guest.set(memory)
    } catch (error) {
      this.#parts.log.debug('the memory of a guest could not be set', {
        domain: guest.vm.name,
        error: errorChain(error),
      })
    }
  }

  #guest(vm: QubesVM, run: Run): RunningGuest {
    const guest = this.#guests.get(run) ?? new RunningGuest(vm, run)
    this.#guests.set(run, guest)
    return guest
  }
}

/** A guest that was asked for memory, and what it had then. */
interface Asked {
  readonly guest: RunningGuest
  readonly had: number
}

/** A stretch of steps in which memory must have moved. */
interface Window {
  steps: number
  readonly free: number
  readonly asked: readonly Asked[]
}

function asked({ guest }: Target<RunningGuest>): Asked {
  return { guest, had: guest.current }
}

/** Notes the guests that have yielded nothing; true when that is new of one of them. */
function markStuck(guests: readonly Asked[]): boolean {
  const stuck = guests.filter(({ guest, had }) => guest.current >= had && !guest.noProgress)
  for (const { guest } of stuck) guest.noProgress = true
  return stuck.length > 0
}

function canBeBalanced(vm: QubesVM): boolean {
  return vm.run?.state === 'running' && !!vm.get(maxmem)
}

function refusal({ name }: QubesVM, wanted: number, free: number): QubesMemoryError {
  const [needs, there] = [Math.ceil(wanted / mib), Math.max(0, Math.floor(free / mib))]
  return new QubesMemoryError(
    msg`Not enough memory to start ${name}: it needs ${needs} MiB, and ${there} MiB can be had. Stop another domain, or lower its memory`,
  )
}

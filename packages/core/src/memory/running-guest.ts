import { msg } from '@cloister/kit'
import type { DomainMemoryStats } from '@cloister/libvirt'
import { TooLateError, within } from '@cloister/os'
import { maxmem, memory } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { Run } from '../domains/run.ts'
import { type GuestMemory, mib, preferred } from './balance.ts'
import { reportedUse } from './reported-use.ts'

/** How far above its target a guest may stay and still count as having reached it, KiB. */
const tolerance = 25 * mib

/** How long the hypervisor may take to answer a question on a guest, ms: it takes a few, or the guest is left out. */
const answerMs = 1000

/** The memory of one run, as last read. */
export class RunningGuest implements GuestMemory {
  readonly vm: QubesVM
  readonly #run: Run
  noProgress: boolean = false
  /** The memory of this guest is being moved by `shrink`: balancing leaves it alone. */
  busy: boolean = false
  /** Calls of the hypervisor that have not answered in time. While there are any the figures are old, and nothing else is asked. */
  readonly #late = new Set<object>()
  /** When it was last read, by the monotonic clock. */
  readAt: number = Number.NEGATIVE_INFINITY
  #max: number | undefined
  #stats: DomainMemoryStats = { actual: 0 }
  #target = 0
  readonly #asked: number

  constructor(vm: QubesVM, run: Run) {
    this.vm = vm
    this.#run = run
    this.#asked = (vm.get(memory) ?? 0) * mib
  }

  /** What the guest uses, KiB; undefined when it does not run, may not be balanced, or has not reported. */
  get used(): number | undefined {
    if (this.busy || this.silent || this.#run.state !== 'running' || !this.vm.get(maxmem)) return undefined
    return reportedUse(this.#stats, this.vm.app.os.clock.now() / 1000)
  }

  /** The hypervisor does not answer for this guest. */
  get silent(): boolean {
    return this.#late.size > 0
  }

  /** What the balloon leaves to it. */
  get current(): number {
    return this.#stats.actual
  }

  get actual(): number {
    return Math.max(this.current, this.#target)
  }

  get max(): number {
    return this.#max ?? 0
  }

  /**
   * Memory that the guest may still take from the host, KiB. Whether the balloon of a guest works is not known before the guest
   * reports: until then the guest is expected to keep to the memory that it was started with.
   */
  get outstanding(): number {
    const { rss = this.current } = this.#stats
    const promised = this.used === undefined ? Math.min(this.actual, Math.max(this.#asked, this.#target)) : this.actual
    return Math.max(0, promised - rss)
  }

  /** Asks the hypervisor. @throws LibvirtError when the guest has ended; TooLateError when the hypervisor does not answer */
  async read(): Promise<void> {
    const { domain } = this.#run
    this.#max ??= (await this.#answer(() => domain.getInfo())).maxMemory
    this.#stats = await this.#answer(() => domain.memoryStats())
    this.readAt = this.vm.app.os.clock.monotonic()
    if (this.current <= this.#target + tolerance || preferred(this) > this.actual) this.noProgress = false
  }

  /** Tells the guest what it may have, KiB. @throws LibvirtError; TooLateError when the hypervisor does not answer */
  async set(target: number): Promise<void> {
    const memory = Math.max(1, Math.min(target, this.max))
    this.#target = memory
    await this.#answer(() => this.#run.domain.setMemory(memory))
  }

  /** Waits for the answer to a call of the hypervisor, for a limited time. */
  async #answer<T>(call: () => Promise<T>): Promise<T> {
    const { clock } = this.vm.app.os
    const onLate = (): Error => new TooLateError(msg`The hypervisor does not answer for ${this.vm.name}`)
    if (this.silent) throw onLate()
    const answer = call()
    const late = (): Error => {
      const mark = {}
      this.#late.add(mark)
      const forget = (): void => void this.#late.delete(mark)
      answer.then(forget, forget)
      return onLate()
    }
    return within({ clock, ms: answerMs, what: 'an answer of the hypervisor', onLate: late }, answer)
  }
}

import type { DomainMemoryStats } from '@cloister/libvirt'
import { maxmem, memory } from '../domains/properties/qubes-vm-properties.ts'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { Run } from '../life/run.ts'
import { type GuestMemory, mib, preferred } from './balance.ts'
import { reportedUse } from './reported-use.ts'

/** How far above its target a guest may stay and still count as having reached it, KiB. */
const tolerance = 25 * mib

/** What is known of one run's memory, as last read. */
export class RunningGuest implements GuestMemory {
  readonly vm: QubesVM
  readonly #run: Run
  noProgress: boolean = false
  /** Somebody else moves this guest's memory now. */
  busy: boolean = false
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

  /** What balancing may count on: only of a guest that runs, may be balanced, and has reported. */
  get used(): number | undefined {
    if (this.busy || this.#run.state !== 'running' || !this.vm.get(maxmem)) return undefined
    return reportedUse(this.#stats, this.vm.app.os.clock.now() / 1000)
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
   * What it may still take of the host, KiB. Of a guest that does not report it is not known whether its balloon works: it is
   * trusted to keep to what it was started with.
   */
  get outstanding(): number {
    const { rss = this.current } = this.#stats
    const promised = this.used === undefined ? Math.min(this.actual, Math.max(this.#asked, this.#target)) : this.actual
    return Math.max(0, promised - rss)
  }

  /** Asks the hypervisor. @throws LibvirtError when the guest has ended, or nothing is known of its memory */
  async read(): Promise<void> {
    const { domain } = this.#run
    this.#max ??= (await domain.getInfo()).maxMemory
    this.#stats = await domain.memoryStats()
    this.readAt = this.vm.app.os.clock.monotonic()
    if (this.current <= this.#target + tolerance || preferred(this) > this.actual) this.noProgress = false
  }

  /** Tells the guest what it may have, KiB. @throws LibvirtError */
  async set(target: number): Promise<void> {
    this.#target = Math.max(1, Math.min(target, this.max))
    await this.#run.domain.setMemory(this.#target)
  }
}

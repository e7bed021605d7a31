import { within } from '@cloister/os'
import type { BaseVM } from '../domains/base-vm.ts'
import { statsInterval } from '../domains/properties/global-properties.ts'
import { memory } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'

/** An event `vm-stats`: what is measured, as text. */
type Pairs = readonly (readonly [key: string, value: string])[]

/** What a domain uses at one time; memory in KiB, processor time in ms. */
interface Sample {
  readonly memory: number
  readonly assigned: number
  readonly cpuMs: number
  readonly vcpus: number
}

const procLimit = 1 << 20
/** Length of a tick of the kernel's processor times, ms. */
const tickMs = 10

/** How long a hypervisor may take to tell what one guest uses, ms. */
const answerMs = 2_000

/** Is told what a domain uses. */
export type StatisticsListener = (vm: BaseVM, pairs: Pairs) => void

/**
 * Resources that every running domain and the host use, measured every `stats_interval` seconds while there are listeners, once for all
 * listeners (reference: admin-api, 6.5).
 */
export class Statistics {
  readonly #app: System
  readonly #listeners = new Set<StatisticsListener>()
  /** The latest sample of each domain, for the use of processors since. */
  #before = new Map<BaseVM, Sample>()
  #at = 0
  /** Ends the wait for the next round when the last listener has gone. */
  #stop: AbortController | undefined

  constructor(app: System) {
    this.#app = app
  }

  /** Calls `listener` for each domain in each round; a listener that comes between two rounds waits for the next. */
  async watch(signal: AbortSignal, listener: StatisticsListener): Promise<void> {
    if (signal.aborted) return
    const gone = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => gone.resolve(), { once: true })
    this.#listeners.add(listener)
    if (!this.#stop) this.#start()
    await gone.promise
    this.#listeners.delete(listener)
    if (this.#listeners.size > 0) return
    this.#stop?.abort()
    this.#stop = undefined
  }

  #start(): void {
    const stop = new AbortController()
    this.#stop = stop
    this.#before.clear()
    this.#at = this.#app.os.clock.monotonic()
    this.#run(stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) this.#app.log.error('measuring what domains use has ended', { error })
    })
  }

  async #run(stopped: AbortSignal): Promise<void> {
    const { clock } = this.#app.os
    while (!stopped.aborted) {
      await this.#round(stopped)
      await clock.sleep((this.#app.global.get(statsInterval) ?? 1) * 1000, stopped)
    }
  }

  async #round(stopped: AbortSignal): Promise<void> {
    const now = this.#app.os.clock.monotonic()
    const elapsed = now - this.#at
    const domains = [this.#app.adminVM, ...this.#app.domains.running()]
    const samples = new Map<BaseVM, Sample>()
    await Promise.all(
      domains.map(async (vm) => {
        const sample = await this.#sample(vm)
        if (sample) samples.set(vm, sample)
      }),
    )
    if (stopped.aborted) return
    for (const vm of domains) {
      const sample = samples.get(vm)
      if (!sample) continue
      const pairs = pairsOf(sample, this.#before.get(vm), elapsed)
      for (const listener of this.#listeners) listener(vm, pairs)
    }
    this.#before = samples
    this.#at = now
  }

  /** A domain that cannot be measured is left out of the round; the others are reported. */
  async #sample(vm: BaseVM): Promise<Sample | undefined> {
    try {
      return vm instanceof QubesVM ? await this.#guestSample(vm) : await hostSample(vm)
    } catch (error) {
      this.#app.log.warn('what a domain uses could not be measured', { domain: vm.name, error })
      return undefined
    }
  }

  async #guestSample(vm: QubesVM): Promise<Sample | undefined> {
    const { run } = vm
    if (!run) return undefined
    const wait = { clock: this.#app.os.clock, ms: answerMs, what: `the answer of the hypervisor about ${vm.name}` }
    try {
      const info = await within(wait, run.domain.getInfo())
      const assigned = info.memory || (vm.get(memory) ?? 0) * 1024
      return { memory: assigned, assigned, cpuMs: Number(info.cpuTime / 1_000_000n), vcpus: info.vcpus }
    } catch (error) {
      // The guest ended while the hypervisor was asked.
      if (vm.run !== run) return undefined
      throw error
    }
  }
}

async function hostSample({ app: { os } }: BaseVM): Promise<Sample> {
  const read = async (path: string): Promise<string> => new TextDecoder().decode(await os.files.read(path, procLimit))
  const [meminfo, stat] = [await read('/proc/meminfo'), await read('/proc/stat')]
  const total = Number(/^MemTotal:\s+(\d+)/m.exec(meminfo)?.[1] ?? 0)
  const available = Number(/^MemAvailable:\s+(\d+)/m.exec(meminfo)?.[1] ?? 0)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (/^cpu\s+(.*)$/m.exec(stat)?.[1] ?? '')
    .split(' ')
    .map(Number)
  const cpuMs = (user + nice + system + irq + softirq) * tickMs
  return { memory: total - available, assigned: total, cpuMs, vcpus: os.host.cpus }
}

function pairsOf(
  { memory: used, assigned, cpuMs, vcpus }: Sample,
  before: Sample | undefined,
  elapsedMs: number,
): Pairs {
  const usage =
    before && elapsedMs > 0 ? Math.round(((cpuMs - before.cpuMs) / elapsedMs / Math.max(1, vcpus)) * 100) : 0
  return Object.entries({
    memory_kb: used,
    memory_assigned_total: assigned,
    memory_assigned_usable: assigned,
    memory_with_swap_used: used,
    cpu_time: cpuMs,
    cpu_usage: Math.max(0, usage),
    online_vcpus: vcpus,
  }).map(([key, value]) => [key, String(value)])
}

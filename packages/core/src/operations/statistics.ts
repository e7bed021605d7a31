import type { App } from '../app.ts'
import type { BaseVM } from '../domains/base-vm.ts'
import { statsInterval } from '../domains/properties/global-properties.ts'
import { memory } from '../domains/properties/qubes-vm-properties.ts'
import { QubesVM } from '../domains/qubes-vm.ts'

type Pairs = readonly (readonly [key: string, value: string])[]

/** One look at what a domain uses; memory in KiB, processor time in ms. */
interface Sample {
  readonly memory: number
  readonly assigned: number
  readonly cpuMs: number
  readonly vcpus: number
}

const procLimit = 1 << 20
/** Length of a tick of the kernel's processor times, ms. */
const tickMs = 10

/** Reports what every running domain and the host use, every `stats_interval` seconds, until aborted (reference: admin-api, 6.5). */
export async function watchStatistics(
  app: App,
  signal: AbortSignal,
  report: (vm: BaseVM, pairs: Pairs) => void,
): Promise<void> {
  const before = new Map<BaseVM, Sample>()
  let at = app.os.clock.monotonic()
  while (!signal.aborted) {
    const now = app.os.clock.monotonic()
    for (const vm of [app.adminVM, ...app.domains.running()]) {
      const sample = await sampleOf(vm)
      if (!sample) continue
      report(vm, pairsOf(sample, before.get(vm), now - at))
      before.set(vm, sample)
    }
    at = now
    try {
      await app.os.clock.sleep((app.get(statsInterval) ?? 1) * 1000, signal)
    } catch {
      return
    }
  }
}

async function sampleOf(vm: BaseVM): Promise<Sample | undefined> {
  if (!(vm instanceof QubesVM)) return hostSample(vm)
  try {
    const info = await vm.run?.domain.getInfo()
    if (!info) return undefined
    const assigned = info.memory || (vm.get(memory) ?? 0) * 1024
    return { memory: assigned, assigned, cpuMs: Number(info.cpuTime / 1_000_000n), vcpus: info.vcpus }
  } catch {
    // The guest ended while it was looked at.
    return undefined
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

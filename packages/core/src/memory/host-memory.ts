import { msg, QubesMemoryError } from '@cloister/kit'
import type { Os } from '@cloister/os'
import type { QubesVM } from '../domains/qubes-vm.ts'
import type { Hypervisor } from '../hypervisor/hypervisor.ts'
import type { MemoryManager, Reservation } from './memory-manager.ts'

const mib = 2 ** 20
/** Memory that is never given to guests: so much, or this share of the host's, whichever is more (reference: storage-and-lifecycle, C.5). */
const reserve = { least: 512 * mib, share: 0.05 }
const meminfoLimit = 65_536

/** Refuses to start a guest that the host has no memory for. Memory is counted as taken from the reservation until its guest exists. */
export class HostMemory implements MemoryManager {
  readonly #os: Os
  readonly #hypervisor: Hypervisor
  #reserved = 0

  constructor(os: Os, hypervisor: Hypervisor) {
    this.#os = os
    this.#hypervisor = hypervisor
  }

  async reserve(vm: QubesVM, bytes: number): Promise<Reservation> {
    // A hypervisor without real guests needs no memory.
    if (!this.#hypervisor.capabilities.balloon) return { release: () => {} }
    const free =
      (await this.#available()) - Math.max(reserve.least, reserve.share * this.#os.host.memory) - this.#reserved
    if (bytes > free) {
      const [needed, there] = [Math.ceil(bytes / mib), Math.max(0, Math.floor(free / mib))]
      throw new QubesMemoryError(
        msg`Not enough memory to start ${vm.name}: it needs ${needed} MiB, and ${there} MiB can be had. Stop another domain, or lower its memory`,
      )
    }
    this.#reserved += bytes
    let held = true
    return {
      release: () => {
        if (held) this.#reserved -= bytes
        held = false
      },
    }
  }

  /** What the kernel could give without swapping, bytes. */
  async #available(): Promise<number> {
    const text = new TextDecoder().decode(await this.#os.files.read('/proc/meminfo', meminfoLimit))
    return Number(/^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024
  }
}

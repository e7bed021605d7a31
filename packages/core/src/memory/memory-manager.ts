import type { QubesVM } from '../domains/qubes-vm.ts'

/** Memory that is kept free for a domain that is being started. */
export interface Reservation {
  release(): void
}

/** Decides whether there is memory for another guest, and moves memory between guests. */
export interface MemoryManager {
  /** Keeps `bytes` free until released. @throws QubesMemoryError when they cannot be had */
  reserve(vm: QubesVM, bytes: number): Promise<Reservation>
}

import type { QubesVM } from '../domains/qubes-vm.ts'

/** Memory that is kept free for a domain that is being started. */
export interface Reservation {
  release(): void
}

/** Decides whether there is memory for another guest, and moves memory between guests. */
export interface MemoryManager {
  /**
   * Keeps `bytes` free until released, which is when the guest exists; other guests yield the memory if needed. Guests are not
   * balanced meanwhile.
   * @throws QubesMemoryError when they cannot be had
   */
  reserve(vm: QubesVM, bytes: number): Promise<Reservation>
  /** KiB that new guests could have if all others kept no more than they prefer; undefined when memory is not counted. */
  available(): Promise<number | undefined>
  /** Makes a running guest give away what is beyond its preference, as far as it does so quickly; ends early when aborted. */
  shrink(vm: QubesVM, signal: AbortSignal): Promise<void>
  /** A guest runs: memory is balanced from now on, for as long as there is a guest to balance. */
  watch(): void
  /** Ends balancing. */
  close(): void
}

import type { QubesVM } from '../qubes-vm.ts'

/** The agents inside guests, by which a guest says that it can be used. */
export interface AgentsPort {
  /** Notes that the agent of a guest has connected, or is gone. */
  note(vm: QubesVM, connected: boolean): void
  /** Waits until the agent of a guest has connected, for `timeoutMs` at most. */
  connected(vm: QubesVM, timeoutMs: number, signal?: AbortSignal): Promise<void>
  /** Waits until the system inside a guest, and its session if it has one, is up; ends early when aborted. */
  ready(vm: QubesVM, timeoutMs: number, signal: AbortSignal): Promise<void>
}

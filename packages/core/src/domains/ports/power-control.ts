import type { LifecycleEventKind } from '@cloister/libvirt'
import type { QubesVM } from '../qubes-vm.ts'
import type { Run } from '../run.ts'

export interface ShutdownOptions {
  /** Also when running domains need this one; a paused guest is ended. */
  readonly force?: boolean
  /** Resolves when the stop is handled, within the domain's `shutdown_timeout`. */
  readonly wait?: boolean
}

/** Start, stop and what lies between, for one domain (reference: storage-and-lifecycle, B.2–B.4). */
export interface PowerControl {
  /** Starts a halted domain; joins a start that is under way; leaves a running domain as it is. */
  start(): Promise<void>
  /** Asks the guest to shut down. */
  shutdown(options?: ShutdownOptions): Promise<void>
  /** Ends the guest now, or the start that is under way; resolves when the stop is handled. */
  kill(): Promise<void>
  pause(): Promise<void>
  unpause(): Promise<void>
  /** Suspends the guest to its memory; a guest that cannot is paused. */
  suspend(): Promise<void>
  resume(): Promise<void>
  /** Follows what the hypervisor tells of the guest; `why` is more on the event, in words. */
  onHypervisorEvent(event: LifecycleEventKind, why?: string): void
  /** Takes over a guest that outlived the last daemon; its run is set already. */
  adopt(): void
  /** Ends a guest that the last daemon did not finish to start. */
  endInterruptedStart(run: Run): Promise<void>
  /** Handles the stop of a guest that ended while no daemon ran. */
  handleMissedStop(): Promise<void>
}

/** Gives each domain its power control. */
export interface PowerControls {
  of(vm: QubesVM): PowerControl
}

import type { ChangeUnit } from '../../changes/change-unit.ts'
import type { Intent } from '../../changes/intents.ts'
import type { QubesVM } from '../qubes-vm.ts'

/** Which domains have their volumes in use, as it is stored. */
export interface RunsPort {
  /** Takes a run over from storage. */
  load(vm: QubesVM, intent: Intent): void
  /** Before the volumes of a domain are started. */
  begin(vm: QubesVM): Promise<void>
  /** The guest was resumed for the first time: from now on it is to be found running. */
  started(vm: QubesVM): Promise<void>
  /** All volumes of the domain are stopped, and everything that follows from the end of its run is done. */
  ended(vm: QubesVM): Promise<void>
  /** Drops the record together with the removal of the domain. */
  forget(unit: ChangeUnit, vm: QubesVM): void
}

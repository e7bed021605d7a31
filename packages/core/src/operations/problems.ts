import { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'

/** Something of the system that cannot be used as it is, with the reason. */
export interface Problem {
  readonly kind: 'domain' | 'pool' | 'kernel' | 'system'
  /** Name of the domain, pool or kernel; empty for the system. */
  readonly name: string
  readonly reason: string
}

/** What a user should know and can mend: damaged values, pools that are away, unusable kernels, guests paused for a full disk. */
export function* problems(app: System): Generator<Problem> {
  for (const reason of app.global.damage.list()) yield { kind: 'system', name: '', reason: `cannot be read: ${reason}` }
  for (const vm of app.domains.sorted()) {
    for (const reason of vm.damage.list()) yield { kind: 'domain', name: vm.name, reason: `cannot be read: ${reason}` }
    const why = vm instanceof QubesVM ? vm.run?.pausedWhy : undefined
    if (why !== undefined) yield { kind: 'domain', name: vm.name, reason: `paused: ${why}` }
  }
  for (const { name, reason } of app.pools.away()) yield { kind: 'pool', name, reason }
  for (const [name, reason] of app.kernels.faults()) yield { kind: 'kernel', name, reason }
}

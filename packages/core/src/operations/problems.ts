import type { Problem } from '@cloister/admin-protocol'
import { QubesVM } from '../domains/qubes-vm.ts'
import type { System } from '../domains/system.ts'

/**
 * What a user should know and can mend: damaged values, guests that were paused by a fault, pools that are out of reach, images
 * that were moved aside, unusable kernels.
 */
export async function problems(app: System): Promise<Problem[]> {
  const asides = await movedAside(app)
  return [...ofSystemAndDomains(app), ...ofPools(app), ...asides, ...ofKernels(app)]
}

function* ofSystemAndDomains(app: System): Generator<Problem> {
  for (const value of app.global.damage.list()) yield { kind: 'system', name: '', reason: damaged(value) }
  for (const vm of app.domains.sorted()) {
    for (const value of vm.damage.list()) yield { kind: 'domain', name: vm.name, reason: damaged(value) }
    const why = vm instanceof QubesVM ? vm.run?.pausedWhy : undefined
    if (why !== undefined) yield { kind: 'domain', name: vm.name, reason: `is paused: ${why}` }
  }
}

function damaged(value: string): string {
  return `has a stored value that cannot be read: ${value}`
}

function* ofPools(app: System): Generator<Problem> {
  for (const { name, reason } of app.pools.away()) yield { kind: 'pool', name, reason: `is out of reach: ${reason}` }
}

/** One problem a pool, however many images there are. */
async function movedAside(app: System): Promise<Problem[]> {
  const found: Problem[] = []
  for (const pool of app.pools.list()) {
    const paths = (await pool.movedAside?.()) ?? []
    if (paths.length === 0) continue
    const which = paths.length === 1 ? paths[0] : `${paths.length}, the first is ${paths[0]}`
    found.push({ kind: 'pool', name: pool.name, reason: `has images of no domain that were moved aside: ${which}` })
  }
  return found
}

function* ofKernels(app: System): Generator<Problem> {
  for (const [name, reason] of app.kernels.faults()) yield { kind: 'kernel', name, reason: `cannot be used: ${reason}` }
}

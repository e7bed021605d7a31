import type { Placement } from '@cloister/admin-protocol'
import { UsageError } from './cli-error.ts'
import type { OptionSpec, ValuesOf } from './command.ts'
import { pairs, text } from './option.ts'

/** Options that choose the pools of a new domain's volumes. */
export const placementOptions: {
  readonly pool: OptionSpec<string | undefined>
  readonly volumePool: OptionSpec<ReadonlyMap<string, string>>
} = {
  pool: text('POOL', 'pool for all volumes', { short: 'P', complete: 'pool' }),
  volumePool: pairs('VOLUME=POOL', 'pool for one volume: root, private, volatile or kernel'),
}

/** The pools that the options choose. @throws UsageError when both options are given */
export function placementOf({ pool, volumePool }: ValuesOf<typeof placementOptions>): Placement {
  if (pool !== undefined && volumePool.size > 0) throw new UsageError('--pool and --volume-pool exclude each other')
  return { pool, pools: volumePool }
}

/** The pools that a placement names. */
export function poolsIn({ pool, pools }: Placement): readonly string[] {
  return pool === undefined ? [...pools.values()] : [pool]
}

import type { Placement } from '@cloister/admin-protocol'
import { UsageError } from './cli-error.ts'
import type { OptionSpec, ValuesOf } from './command.ts'
import { pairs, text } from './option.ts'

/** Options that say where the volumes of a new domain go. */
export const placementOptions: {
  readonly pool: OptionSpec<string | undefined>
  readonly volumePool: OptionSpec<ReadonlyMap<string, string>>
} = {
  pool: text('POOL', 'pool for all volumes', { short: 'P', complete: 'pool' }),
  volumePool: pairs('VOLUME=POOL', 'pool for one volume: root, private, volatile or kernel'),
}

/** What was said about pools. @throws UsageError when the two ways to say it are mixed */
export function placementOf({ pool, volumePool }: ValuesOf<typeof placementOptions>): Placement {
  if (pool !== undefined && volumePool.size > 0) throw new UsageError('--pool and --volume-pool exclude each other')
  return { pool, pools: volumePool }
}

/** The pools that are named. */
export function poolsIn({ pool, pools }: Placement): readonly string[] {
  return pool === undefined ? [...pools.values()] : [pool]
}

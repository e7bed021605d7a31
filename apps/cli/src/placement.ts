import { UsageError } from './cli-error.ts'
import type { OptionSpec } from './command.ts'
import { pairs, text } from './option.ts'

/** Options that say where the volumes of a new domain go. */
export const placementOptions: {
  readonly pool: OptionSpec<string | undefined>
  readonly volumePool: OptionSpec<ReadonlyMap<string, string>>
} = {
  pool: text('POOL', 'pool for all volumes', { short: 'P', complete: 'pool' }),
  volumePool: pairs('VOLUME=POOL', 'pool for one volume: root, private, volatile or kernel'),
}

/** What was said about pools; undefined when nothing. @throws UsageError when both were */
export function placementOf(choices: {
  readonly pool: string | undefined
  readonly volumePool: ReadonlyMap<string, string>
}): string | ReadonlyMap<string, string> | undefined {
  const { pool, volumePool } = choices
  if (volumePool.size === 0) return pool
  if (pool !== undefined) throw new UsageError('--pool and --volume-pool exclude each other')
  return volumePool
}

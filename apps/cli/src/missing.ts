import { poolList, vmVolumeList } from '@cloister/admin-protocol'
import type { AdminClient } from '@cloister/client'
import { QubesException } from '@cloister/kit'
import { CliError } from './cli-error.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { exitStatus } from './exit-status.ts'

// For a pool or a volume that does not exist the protocol has only a general error (reference: admin-api, 3.6 and 3.7). After
// such an error the object is looked up, so that the command can name what is missing.

/** The destination and argument of a call about a volume. */
export interface VolumeTarget {
  readonly dest: string
  readonly argument: string
}

function isGeneral(error: unknown): boolean {
  return error instanceof QubesException && error.wireType === 'QubesException'
}

async function missingVolume(client: AdminClient, { dest, argument }: VolumeTarget, error: unknown): Promise<unknown> {
  if (!isGeneral(error)) return error
  const names = await client.call(vmVolumeList, { dest })
  if (names.includes(argument)) return error
  const there = names.length === 0 ? 'it has no volumes' : `its volumes are ${names.join(', ')}`
  return new CliError(`${dest} has no volume ${argument}`, exitStatus.notFound, there, { cause: error })
}

async function missingPool(client: AdminClient, pools: readonly string[], error: unknown): Promise<unknown> {
  if (!isGeneral(error) || pools.length === 0) return error
  const names = await client.call(poolList, {})
  const missing = pools.find((pool) => !names.includes(pool))
  if (missing === undefined) return error
  return new CliError(`there is no pool ${missing}`, exitStatus.notFound, `the pools are ${names.join(', ')}`, {
    cause: error,
  })
}

/** Runs calls about a volume. @throws CliError when the domain has no volume of that name */
export async function withVolume<T>(
  context: Context,
  { domain, volume }: { readonly domain: string; readonly volume: string },
  work: (client: AdminClient, target: VolumeTarget) => Promise<T>,
): Promise<T> {
  const client = await connect(context)
  const target = { dest: domain, argument: volume }
  try {
    return await work(client, target)
  } catch (error) {
    throw await missingVolume(client, target, error)
  }
}

/** Runs calls about pools. @throws CliError when one of these pools does not exist */
export async function withPools<T>(
  context: Context,
  pools: readonly string[],
  work: (client: AdminClient) => Promise<T>,
): Promise<T> {
  const client = await connect(context)
  try {
    return await work(client)
  } catch (error) {
    throw await missingPool(client, pools, error)
  }
}

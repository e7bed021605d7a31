import {
  poolAdd,
  poolInfo,
  poolList,
  poolListDrivers,
  poolRemove,
  poolSetEphemeralVolatile,
  poolSetRevisionsToKeep,
  poolUsageDetails,
} from '@cloister/admin-protocol'
import { AdminVM, type App, type BaseVM } from '@cloister/core'
import { msg, QubesPoolNotFoundError } from '@cloister/kit'
import { type Pool, poolDrivers } from '@cloister/storage'
import { type HandledCall, handle, onlyOne } from '../handler.ts'

/** Only the admin domain is told where on the host a pool is. */
function mayKnow(source: BaseVM, value: string): boolean {
  return source instanceof AdminVM || !value.startsWith('/')
}

type Usage = Awaited<ReturnType<Pool['usageDetails']>>

/** The space of a pool; nothing while the pool is out of reach, so that its configuration can be shown all the same. */
async function usageOf(app: App, pool: Pool): Promise<Partial<Usage>> {
  try {
    return await pool.usageDetails()
  } catch (error) {
    app.log.debug('the space of a pool could not be read', { pool: pool.name, error })
    return {}
  }
}

/** The pool that a pool lies in, as far as both can be reached. */
async function containerOf(app: App, pool: Pool): Promise<string | undefined> {
  try {
    return await pool.includedIn(app.pools.list().filter((other) => other !== pool))
  } catch (error) {
    app.log.debug('the pool around a pool could not be found', { pool: pool.name, error })
    return undefined
  }
}

function poolOf({ app, argument }: { readonly app: App; readonly argument: string }): Pool {
  return app.pools.get(argument)
}

export const poolHandlers: readonly HandledCall[] = [
  handle(poolList, ({ app, argument }) => {
    const names = app.pools.list().map(({ name }) => name)
    return onlyOne(
      names,
      argument,
      (name) => name,
      () => new QubesPoolNotFoundError(msg`Unknown storage pool ${argument ?? ''}`),
    )
  }),
  handle(poolListDrivers, () => Array.from(poolDrivers, ([name, { parameters }]) => ({ name, parameters }))),
  handle(poolInfo, async ({ app, source, argument }) => {
    const pool = app.pools.get(argument)
    const [usage, includedIn] = await Promise.all([usageOf(app, pool), containerOf(app, pool)])
    return {
      config: new Map(Object.entries(pool.config()).filter(([, value]) => mayKnow(source, value))),
      size: usage['data_size'],
      usage: usage['data_usage'],
      includedIn,
    }
  }),
  handle(poolUsageDetails, async ({ app, argument }) => {
    const usage = await app.pools.get(argument).usageDetails()
    return {
      dataSize: usage['data_size'],
      dataUsage: usage['data_usage'],
      metadataSize: usage['metadata_size'],
      metadataUsage: usage['metadata_usage'],
    }
  }),
  handle(poolAdd, async ({ app, argument, payload }) => {
    await app.pools.add(payload.name, argument, Object.fromEntries(payload.config))
    return undefined
  }),
  handle(poolRemove, async ({ app, argument }) => {
    await app.pools.remove(argument)
    return undefined
  }),
  handle(
    poolSetRevisionsToKeep,
    async ({ app, argument, payload }) => {
      await app.pools.configure(argument, 'revisionsToKeep', payload)
      return undefined
    },
    poolOf,
  ),
  handle(
    poolSetEphemeralVolatile,
    async ({ app, argument, payload }) => {
      await app.pools.configure(argument, 'ephemeralVolatile', payload)
      return undefined
    },
    poolOf,
  ),
]

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
import { msg, QubesPoolNotFoundError } from '@cloister/kit'
import { poolDrivers } from '@cloister/storage'
import { type HandledCall, handle, onlyOne } from '../handler.ts'

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
  handle(poolInfo, async ({ app, argument }) => {
    const pool = app.pools.get(argument)
    const [usage, includedIn] = await Promise.all([
      pool.usageDetails(),
      pool.includedIn(app.pools.list().filter((other) => other !== pool)),
    ])
    const config = new Map(Object.entries(pool.config()))
    return { config, size: usage['data_size'], usage: usage['data_usage'], includedIn }
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
  handle(poolSetRevisionsToKeep, async ({ app, argument, payload }) => {
    await app.pools.configure(argument, 'revisionsToKeep', payload)
    return undefined
  }),
  handle(poolSetEphemeralVolatile, async ({ app, argument, payload }) => {
    await app.pools.configure(argument, 'ephemeralVolatile', payload)
    return undefined
  }),
]

import {
  poolVolumeImport,
  poolVolumeInfo,
  poolVolumeList,
  poolVolumeListSnapshots,
  poolVolumeResize,
  poolVolumeRevert,
  poolVolumeSnapshot,
} from '@cloister/admin-protocol'
import { importStream, type OwnedVolume, ownerOf, resizeVolume, revertVolume, snapshotVolume } from '@cloister/core'
import { msg, QubesVolumeNotFoundError, QubesVolumeRevisionNotFoundError } from '@cloister/kit'
import type { Pool, Volume } from '@cloister/storage'
import { type Call, type HandledCall, handle, onlyOne } from '../handler.ts'
import { revisionIds, volumeInfo } from '../volume-info.ts'

type PoolCall = Pick<Call<string, unknown>, 'app' | 'argument'>

function poolOf({ app, argument }: PoolCall): Pool {
  return app.pools.get(argument)
}

function volumeOf(call: PoolCall, vid: string): Volume {
  return poolOf(call).getVolume(vid)
}

function ownedVolumeOf(call: PoolCall, vid: string): OwnedVolume {
  return ownerOf(call.app, volumeOf(call, vid))
}

export const poolVolumeHandlers: readonly HandledCall[] = [
  handle(poolVolumeList, async ({ app, argument, payload }) => {
    const vids = (await app.pools.get(argument).listVolumes()).map(({ vid }) => vid)
    const missing = (): Error => new QubesVolumeNotFoundError(msg`The pool ${argument} has no volume ${payload ?? ''}`)
    return onlyOne(vids, payload, (vid) => vid, missing)
  }),
  handle(poolVolumeInfo, (call) => volumeInfo(volumeOf(call, call.payload), call.source)),
  handle(poolVolumeListSnapshots, async (call) => {
    const { vid, value } = call.payload
    const missing = (): Error => new QubesVolumeRevisionNotFoundError(msg`${vid} has no revision ${value ?? ''}`)
    return onlyOne(await revisionIds(volumeOf(call, vid)), value, (id) => id, missing)
  }),
  handle(poolVolumeSnapshot, (call) => snapshotVolume(ownedVolumeOf(call, call.payload))),
  handle(
    poolVolumeRevert,
    async (call) => {
      await revertVolume(ownedVolumeOf(call, call.payload.vid), call.payload.value)
      return undefined
    },
    poolOf,
  ),
  handle(
    poolVolumeResize,
    async (call) => {
      await resizeVolume(ownedVolumeOf(call, call.payload.vid), call.payload.value)
      return undefined
    },
    poolOf,
  ),
  handle(poolVolumeImport, async (call) => {
    await importStream(ownedVolumeOf(call, call.payload), call.body)
    return undefined
  }),
]

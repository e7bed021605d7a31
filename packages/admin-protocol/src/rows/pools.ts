import { bothDialects, type CallRow, globalRead, globalWrite } from '../call-row.ts'
import { noReply, nothing, optional, reply, required } from '../codec.ts'
import { lines } from '../text-forms.ts'
import { booleanInput } from '../values/boolean-words.ts'
import { driverName, poolName, revisionId, volumeId } from '../values/names.ts'
import { poolRevisionsToKeep, sizeInput } from '../values/numbers.ts'
import {
  type NewPool,
  newPool,
  type PoolDriver,
  type PoolInfo,
  type PoolUsage,
  poolDriver,
  poolInfoForm,
  poolUsage,
  type VolumeOfPool,
  volumeAlone,
  volumeAnd,
  volumeAndMaybe,
} from '../values/pool-info.ts'
import { adminVolumeInfo, mgmtVolumeInfo, type VolumeInfo } from '../values/volume-info.ts'

// Every row says in `summary` what its call does. The argument is the pool; reference: admin-api, 3.7 and 13.

const argument = required(poolName)
const names = reply(lines(poolName))
const volumes = reply(lines(volumeId))
const revisions = reply(lines(revisionId))

export const poolList: CallRow<string | undefined, undefined, readonly string[]> = {
  ...globalRead,
  key: 'pool.List',
  summary: 'Lists the pools.',
  admin: { argument: nothing, payload: nothing, reply: names },
  mgmt: { argument: optional(poolName), payload: nothing, reply: names },
}

export const poolListDrivers: CallRow<undefined, undefined, readonly PoolDriver[]> = {
  ...globalRead,
  key: 'pool.ListDrivers',
  summary: 'Lists the storage drivers and their settings.',
  ...bothDialects({ argument: nothing, payload: nothing, reply: reply(lines(poolDriver)) }),
}

export const poolInfo: CallRow<string, undefined, PoolInfo> = {
  ...globalRead,
  key: 'pool.Info',
  summary: 'Describes a pool.',
  ...bothDialects({ argument, payload: nothing, reply: reply(poolInfoForm) }),
}

export const poolUsageDetails: CallRow<string, undefined, PoolUsage> = {
  ...globalRead,
  key: 'pool.UsageDetails',
  summary: 'Returns size and usage of a pool.',
  admin: { argument, payload: nothing, reply: reply(poolUsage) },
}

export const poolAdd: CallRow<string, NewPool, undefined> = {
  ...globalWrite,
  key: 'pool.Add',
  summary: 'Adds a pool of a driver.',
  ...bothDialects({ argument: required(driverName), payload: required(newPool), reply: noReply }),
}

export const poolRemove: CallRow<string, undefined, undefined> = {
  ...globalWrite,
  key: 'pool.Remove',
  summary: 'Removes an unused pool from the system; its files stay on disk.',
  ...bothDialects({ argument, payload: nothing, reply: noReply }),
}

export const poolSetRevisionsToKeep: CallRow<string, number, undefined> = {
  ...globalWrite,
  key: 'pool.Set.revisions_to_keep',
  summary: 'Sets how many revisions are kept of new volumes of a pool.',
  admin: { argument, payload: required(poolRevisionsToKeep), reply: noReply },
}

export const poolSetEphemeralVolatile: CallRow<string, boolean, undefined> = {
  ...globalWrite,
  key: 'pool.Set.ephemeral_volatile',
  summary: 'Sets whether volatile volumes of a pool are encrypted with a key that is discarded when the domain stops.',
  admin: { argument, payload: required(booleanInput), reply: noReply },
}

export const poolVolumeList: CallRow<string, string | undefined, readonly string[]> = {
  ...globalRead,
  key: 'pool.volume.List',
  summary: 'Lists the volumes in a pool.',
  admin: { argument, payload: nothing, reply: volumes },
  mgmt: { argument, payload: optional(volumeId), reply: volumes },
}

export const poolVolumeInfo: CallRow<string, string, VolumeInfo> = {
  ...globalRead,
  key: 'pool.volume.Info',
  summary: 'Describes a volume in a pool.',
  admin: { argument, payload: required(volumeId), reply: reply(adminVolumeInfo) },
  mgmt: { argument, payload: required(volumeId), reply: reply(mgmtVolumeInfo) },
}

export const poolVolumeListSnapshots: CallRow<string, VolumeOfPool<string | undefined>, readonly string[]> = {
  ...globalRead,
  key: 'pool.volume.ListSnapshots',
  summary: 'Lists the revisions of a volume in a pool, oldest first.',
  admin: { argument, payload: required(volumeAlone), reply: revisions },
  mgmt: { argument, payload: required(volumeAndMaybe(revisionId)), reply: revisions },
}

export const poolVolumeSnapshot: CallRow<string, string, string> = {
  ...globalWrite,
  key: 'pool.volume.Snapshot',
  summary: 'Makes a revision of the committed state of a volume in a pool and returns its id.',
  mgmt: { argument, payload: required(volumeId), reply: reply(revisionId) },
}

export const poolVolumeRevert: CallRow<string, VolumeOfPool<string>, undefined> = {
  ...globalWrite,
  key: 'pool.volume.Revert',
  summary: 'Reverts a volume in a pool to a revision.',
  ...bothDialects({ argument, payload: required(volumeAnd(revisionId)), reply: noReply }),
}

export const poolVolumeResize: CallRow<string, VolumeOfPool<bigint>, undefined> = {
  ...globalWrite,
  key: 'pool.volume.Resize',
  summary: 'Changes the size of a volume in a pool.',
  ...bothDialects({ argument, payload: required(volumeAnd(sizeInput)), reply: noReply }),
}

export const poolVolumeImport: CallRow<string, string, undefined> = {
  ...globalWrite,
  key: 'pool.volume.Import',
  summary: 'Replaces the content of the volume that the first line names.',
  stream: 'payload',
  mgmt: { argument, payload: required(volumeId), reply: noReply },
}

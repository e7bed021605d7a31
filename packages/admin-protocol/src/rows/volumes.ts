import { type CallRow, type Dialect, localRead, localWrite } from '../call-row.ts'
import { noReply, nothing, optional, reply, required } from '../codec.ts'
import { lines, matching } from '../text-forms.ts'
import { booleanInput } from '../values/boolean-words.ts'
import { copyToken, revisionId, volumeName } from '../values/names.ts'
import { importSizeInput, sizeInput, volumeRevisionsToKeep } from '../values/numbers.ts'
import { adminVolumeInfo, mgmtVolumeInfo, type VolumeInfo } from '../values/volume-info.ts'

// Every row says in `summary` what its call does. The argument is the volume; reference: admin-api, 3.6.

const argument = required(volumeName)
const names = reply(lines(volumeName))
const revisions = reply(lines(revisionId))

/** The draft changes volumes of ordinary domains only. */
function changing<P>(dialect: Dialect<string, P, undefined>): {
  admin: Dialect<string, P, undefined>
  mgmt: Dialect<string, P, undefined>
} {
  return { admin: dialect, mgmt: { ...dialect, destination: 'domain' } }
}

export const vmVolumeList: CallRow<string | undefined, undefined, readonly string[]> = {
  ...localRead,
  key: 'vm.volume.List',
  summary: 'Lists the volumes of a domain.',
  admin: { argument: nothing, payload: nothing, reply: names },
  mgmt: { argument: optional(volumeName), payload: nothing, reply: names },
}

export const vmVolumeInfo: CallRow<string, undefined, VolumeInfo> = {
  ...localRead,
  key: 'vm.volume.Info',
  summary: 'Describes a volume.',
  admin: { argument, payload: nothing, reply: reply(adminVolumeInfo) },
  mgmt: { argument, payload: nothing, reply: reply(mgmtVolumeInfo) },
}

export const vmVolumeListSnapshots: CallRow<string, string | undefined, readonly string[]> = {
  ...localRead,
  key: 'vm.volume.ListSnapshots',
  summary: 'Lists the revisions of a volume, oldest first.',
  admin: { argument, payload: nothing, reply: revisions },
  mgmt: { argument, payload: optional(revisionId), reply: revisions },
}

export const vmVolumeSnapshot: CallRow<string, undefined, string> = {
  ...localWrite,
  key: 'vm.volume.Snapshot',
  summary: 'Makes a revision of the committed state and returns its id.',
  destination: 'domain',
  mgmt: { argument, payload: nothing, reply: reply(revisionId) },
}

export const vmVolumeRevert: CallRow<string, string, undefined> = {
  ...localWrite,
  key: 'vm.volume.Revert',
  summary: 'Reverts a volume to a revision.',
  ...changing({ argument, payload: required(revisionId), reply: noReply }),
}

export const vmVolumeResize: CallRow<string, bigint, undefined> = {
  ...localWrite,
  key: 'vm.volume.Resize',
  summary: 'Changes the size of a volume.',
  ...changing({ argument, payload: required(sizeInput), reply: noReply }),
}

export const vmVolumeImport: CallRow<string, undefined, undefined> = {
  ...localWrite,
  key: 'vm.volume.Import',
  summary: 'Replaces the content of a volume.',
  stream: 'payload',
  ...changing({ argument, payload: nothing, reply: noReply }),
}

export const vmVolumeImportWithSize: CallRow<string, bigint, undefined> = {
  ...localWrite,
  key: 'vm.volume.ImportWithSize',
  summary: 'Replaces the content of a volume and gives it the size in the first line.',
  stream: 'payload',
  admin: { argument, payload: required(importSizeInput), reply: noReply },
}

export const vmVolumeClear: CallRow<string, undefined, undefined> = {
  ...localWrite,
  key: 'vm.volume.Clear',
  summary: 'Empties a volume.',
  admin: { argument, payload: nothing, reply: noReply },
}

export const vmVolumeCloneFrom: CallRow<string, undefined, string> = {
  ...localWrite,
  key: 'vm.volume.CloneFrom',
  summary: 'Begins a copy of a volume: returns a token for one CloneTo.',
  admin: { argument, payload: nothing, reply: reply(matching('<token>', /^[A-Za-z0-9]{32}$/)) },
}

export const vmVolumeCloneTo: CallRow<string, string, undefined> = {
  ...localWrite,
  key: 'vm.volume.CloneTo',
  summary: 'Replaces the content of a volume by that of the volume whose token is given.',
  admin: { argument, payload: required(copyToken), reply: noReply },
}

export const vmVolumeSetRevisionsToKeep: CallRow<string, number, undefined> = {
  ...localWrite,
  key: 'vm.volume.Set.revisions_to_keep',
  summary: 'Sets how many revisions of a volume are kept.',
  admin: { argument, payload: required(volumeRevisionsToKeep), reply: noReply },
}

export const vmVolumeSetRw: CallRow<string, boolean, undefined> = {
  ...localWrite,
  key: 'vm.volume.Set.rw',
  summary: 'Sets whether a domain may write to a volume.',
  admin: { argument, payload: required(booleanInput), reply: noReply },
}

export const vmVolumeSetEphemeral: CallRow<string, boolean, undefined> = {
  ...localWrite,
  key: 'vm.volume.Set.ephemeral',
  summary: 'Sets whether a volume is encrypted with a key that is discarded when the domain stops.',
  admin: { argument, payload: required(booleanInput), reply: noReply },
}

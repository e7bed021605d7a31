import { type CallRow, type Dialect, globalRead, globalWrite, localWrite } from '../call-row.ts'
import { noReply, nothing, optional, reply, required } from '../codec.ts'
import { trimmed } from '../text-forms.ts'
import { type ImportFailure, type ImportTarget, importOutcome, importTarget } from '../values/import.ts'
import { volumeName } from '../values/names.ts'
import { count, importSize } from '../values/numbers.ts'
import { type SystemInfo, systemInfo } from '../values/system-info.ts'

// Every row says in `summary` what its call does. These are for programs of the host; reference: admin-api, 3.14 and 1.4.

const order: Dialect<undefined, undefined, undefined> = { argument: nothing, payload: nothing, reply: noReply }

export const getSystemInfo: CallRow<undefined, undefined, SystemInfo> = {
  ...globalRead,
  key: 'internal.GetSystemInfo',
  summary: 'Describes all domains for the policy engine.',
  socket: 'internal',
  plain: { argument: nothing, payload: nothing, reply: reply(systemInfo) },
}

export const importBegin: CallRow<string, bigint | undefined, ImportTarget> = {
  ...localWrite,
  key: 'internal.vm.volume.ImportBegin',
  summary: 'Begins an import into a volume and returns the path to write to.',
  socket: 'internal',
  plain: { argument: required(volumeName), payload: optional(importSize), reply: reply(importTarget) },
}

export const importEnd: CallRow<string, ImportFailure, undefined> = {
  ...localWrite,
  key: 'internal.vm.volume.ImportEnd',
  summary: 'Ends an import: commits or discards the data that were written.',
  socket: 'internal',
  plain: { argument: required(volumeName), payload: required(importOutcome), reply: noReply },
}

export const suspendPre: CallRow<undefined, undefined, undefined> = {
  ...globalWrite,
  effect: 'execute',
  key: 'internal.SuspendPre',
  summary: 'Suspends all domains before the host sleeps.',
  socket: 'internal',
  plain: order,
}

export const suspendPost: CallRow<undefined, undefined, undefined> = {
  ...globalWrite,
  effect: 'execute',
  key: 'internal.SuspendPost',
  summary: 'Resumes all domains after the host slept.',
  socket: 'internal',
  plain: order,
}

export const featuresRequest: CallRow<undefined, undefined, undefined> = {
  ...globalWrite,
  key: 'qubes.FeaturesRequest',
  summary: 'Sets the features that the calling guest requests.',
  socket: 'misc',
  plain: order,
}

export const notifyTools: CallRow<undefined, undefined, undefined> = {
  ...globalWrite,
  key: 'qubes.NotifyTools',
  summary: 'Sets the features for the tools that the calling guest has; the older form of FeaturesRequest.',
  socket: 'misc',
  plain: order,
}

export const notifyUpdates: CallRow<undefined, number, undefined> = {
  ...globalWrite,
  key: 'qubes.NotifyUpdates',
  summary: 'Stores how many updates the calling guest could install.',
  socket: 'misc',
  plain: { argument: nothing, payload: required(trimmed(count)), reply: noReply },
}

import { type CallRow, type Dialect, globalRead, globalWrite } from '../call-row.ts'
import { noReply, nothing, optional, reply, required, unread } from '../codec.ts'
import { anyText, matching } from '../text-forms.ts'

// Every row says in `summary` what its call does; reference: admin-api, 3.10; mgmt-dialect. The argument is a backup profile.

const name = matching('<profile>', /^[^/]+$/)
const profile: Dialect<string, undefined, undefined> = { argument: required(name), payload: nothing, reply: noReply }
const description = reply(anyText('<text>'))

export const backupExecute: CallRow<string, undefined, undefined> = {
  ...globalWrite,
  effect: 'execute',
  key: 'backup.Execute',
  summary: 'Makes a backup.',
  admin: profile,
  mgmt: profile,
}

export const backupInfo: CallRow<string | undefined, undefined, string> = {
  ...globalRead,
  key: 'backup.Info',
  summary: 'Describes what a backup would hold.',
  admin: { argument: required<string | undefined>(name), payload: nothing, reply: description },
  mgmt: {
    argument: optional(name),
    payload: unread('optional', '<header of a backup>'),
    reply: description,
  },
}

export const backupCancel: CallRow<string, undefined, undefined> = {
  ...globalWrite,
  key: 'backup.Cancel',
  summary: 'Ends a backup that is being made.',
  admin: profile,
}

export const backupRestore: CallRow<undefined, undefined, string> = {
  ...globalWrite,
  key: 'backup.Restore',
  summary: 'Restores domains from a backup.',
  stream: 'payload',
  mgmt: {
    argument: unread('optional', '<option>=<value>+…'),
    payload: nothing,
    reply: reply(anyText('<name> <restored name>\\n…')),
  },
}

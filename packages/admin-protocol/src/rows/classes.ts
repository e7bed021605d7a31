import { type CallRow, globalRead } from '../call-row.ts'
import { nothing, optional, reply } from '../codec.ts'
import { lines } from '../text-forms.ts'
import { className } from '../values/names.ts'

// Every row says in `summary` what its call does; reference: admin-api, 3.1.

const names = reply(lines(className))

export const vmclassList: CallRow<string | undefined, undefined, readonly string[]> = {
  ...globalRead,
  key: 'vmclass.List',
  summary: 'Lists the classes of domains.',
  admin: { argument: nothing, payload: nothing, reply: names },
  mgmt: { argument: optional(className), payload: nothing, reply: names },
}

export const deviceclassList: CallRow<undefined, undefined, readonly string[]> = {
  ...globalRead,
  key: 'deviceclass.List',
  summary: 'Lists the classes of devices.',
  admin: { argument: nothing, payload: nothing, reply: names },
}

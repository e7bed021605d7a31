import { type CallRow, globalRead } from '../call-row.ts'
import { nothing, optional, reply } from '../codec.ts'
import { eventForm, eventPattern, type QubesEvent } from '../values/event.ts'

// Every row says in `summary` what its call does; reference: admin-api, 3.11 and 6.

const message = reply(eventForm)

export const events: CallRow<string | undefined, undefined, QubesEvent> = {
  ...globalRead,
  key: 'Events',
  summary: 'Reports events until the caller goes; sent to a domain: those of that one.',
  destination: 'any',
  stream: 'reply',
  admin: { argument: nothing, payload: nothing, reply: message },
  mgmt: { argument: optional(eventPattern), payload: nothing, reply: message },
}

export const vmStats: CallRow<undefined, undefined, QubesEvent> = {
  ...globalRead,
  key: 'vm.Stats',
  summary: 'Reports memory and processor use of running domains until the caller goes.',
  destination: 'any',
  stream: 'reply',
  admin: { argument: nothing, payload: nothing, reply: message },
}

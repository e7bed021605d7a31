import { type CallRow, globalRead } from '../call-row.ts'
import { nothing, optional, reply } from '../codec.ts'
import { eventForm, eventPattern, type QubesEvent } from '../values/event.ts'

// Every row says in `summary` what its call does; reference: admin-api, 3.11 and 6.

const message = reply(eventForm)

export const events: CallRow<string | undefined, undefined, QubesEvent> = {
  ...globalRead,
  key: 'Events',
  summary: 'Sends events until the caller disconnects; a call to a domain sends the events of that domain only.',
  destination: 'any',
  stream: 'reply',
  admin: { argument: nothing, payload: nothing, reply: message },
  mgmt: { argument: optional(eventPattern), payload: nothing, reply: message },
}

export const vmStats: CallRow<undefined, undefined, QubesEvent> = {
  ...globalRead,
  key: 'vm.Stats',
  summary: 'Sends memory and processor use of running domains until the caller disconnects.',
  destination: 'any',
  stream: 'reply',
  admin: { argument: nothing, payload: nothing, reply: message },
}

import { bothDialects, type CallRow, type Dialect, localExecute, localRead, localWrite } from '../call-row.ts'
import { maybeEmpty, noReply, nothing, reply } from '../codec.ts'
import { anyText } from '../text-forms.ts'
import { type DomainState, domainState, type ShutdownFlags, shutdownFlags } from '../values/domain-state.ts'

// Every row says in `summary` what its call does; reference: admin-api, 3.5 and 11.

const order: Dialect<undefined, undefined, undefined> = { argument: nothing, payload: nothing, reply: noReply }

const both = bothDialects(order)

export const vmStart: CallRow<undefined, undefined, undefined> = {
  ...localExecute,
  key: 'vm.Start',
  summary: 'Starts a domain.',
  ...both,
}

export const vmShutdown: CallRow<ShutdownFlags, undefined, undefined> = {
  ...localExecute,
  key: 'vm.Shutdown',
  summary: 'Asks a domain to shut down.',
  ...bothDialects({ argument: maybeEmpty(shutdownFlags), payload: nothing, reply: noReply }),
}

export const vmPause: CallRow<undefined, undefined, undefined> = {
  ...localExecute,
  key: 'vm.Pause',
  summary: 'Pauses the processors of a domain.',
  ...both,
}

export const vmUnpause: CallRow<undefined, undefined, undefined> = {
  ...localExecute,
  key: 'vm.Unpause',
  summary: 'Resumes the processors of a paused domain.',
  ...both,
}

export const vmKill: CallRow<undefined, undefined, undefined> = {
  ...localExecute,
  key: 'vm.Kill',
  summary: 'Stops a domain at once, without asking the guest.',
  ...both,
}

export const vmSuspend: CallRow<undefined, undefined, undefined> = {
  ...localExecute,
  key: 'vm.Suspend',
  summary: 'Suspends a domain to memory, or pauses it where the guest cannot.',
  admin: order,
}

export const vmResume: CallRow<undefined, undefined, undefined> = {
  ...localExecute,
  key: 'vm.Resume',
  summary: 'Wakes a suspended domain.',
  admin: order,
}

export const vmCurrentState: CallRow<undefined, undefined, DomainState> = {
  ...localRead,
  key: 'vm.CurrentState',
  summary: 'Returns power state, memory and processor time of a domain.',
  admin: { argument: nothing, payload: nothing, reply: reply(domainState) },
}

export const vmConsole: CallRow<undefined, undefined, string> = {
  ...localWrite,
  key: 'vm.Console',
  summary: "Returns the path of a domain's console socket.",
  admin: { argument: nothing, payload: nothing, reply: reply(anyText('<path>')) },
}

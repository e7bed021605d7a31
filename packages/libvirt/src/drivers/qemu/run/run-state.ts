import type { DomainState, DomainStateAndReason, LifecycleEventKind } from '../../../driver.ts'
import { lifecycleDetails } from '../../../lifecycle-details.ts'
import { stateReasons } from '../../../state-reasons.ts'
import type { QemuRunState } from '../qmp/qmp-commands.ts'
import type { QmpEvent } from '../qmp/qmp-message.ts'

/** How a run ended, as far as QEMU tells. */
export type EndCause = 'shutdown' | 'destroyed' | 'crashed' | 'failed'

/** A request of the guest to a disk has failed on the host. */
export interface IoError {
  /** No space is left for the disk. */
  readonly isFull: boolean
  /** Target of the disk, as far as QEMU tells. */
  readonly disk?: string
}

/** What is known of a guest that runs: a value, which each event replaces. */
export interface RunState extends DomainStateAndReason {
  /** Undefined as long as nothing tells of an end. */
  readonly end?: EndCause
  /** More on the end, in words. */
  readonly endWhy?: string
  /** The failure for which the next `STOP` will come, when QEMU has told of one. */
  readonly ioError?: IoError
  /** What the next `RESUME` tells of: the guest's first instruction, or the end of a pause. */
  readonly resumeReason: 'booted' | 'unpaused'
}

/** A life-cycle event to come: its kind, its detail, and more on it in words. */
export type LifecycleNotice = readonly [event: LifecycleEventKind, detail: number, why?: string]

export interface Transition {
  readonly state: RunState
  readonly notices: readonly LifecycleNotice[]
}

/** A guest whose QEMU is being started. */
export const startingState: RunState = {
  state: 'paused',
  reason: stateReasons.paused.startingUp,
  resumeReason: 'booted',
}

/** A guest that was started paused and is ready (`virsh start --paused` shows the same). */
export const startedPausedState: RunState = {
  state: 'paused',
  reason: stateReasons.paused.user,
  resumeReason: 'unpaused',
}

/** The states of a guest that is found running, by what QEMU says (reference: storage-and-lifecycle, C.3). */
const foundStates: Readonly<Record<QemuRunState, DomainStateAndReason & { readonly end?: EndCause }>> = {
  running: { state: 'running', reason: stateReasons.running.unknown },
  prelaunch: { state: 'paused', reason: stateReasons.paused.startingUp },
  paused: { state: 'paused', reason: stateReasons.paused.user },
  suspended: { state: 'pmsuspended', reason: stateReasons.pmsuspended.unknown },
  shutdown: { state: 'shutdown', reason: stateReasons.shutdown.unknown, end: 'shutdown' },
  'guest-panicked': { state: 'crashed', reason: stateReasons.crashed.panicked, end: 'crashed' },
  'internal-error': { state: 'crashed', reason: stateReasons.crashed.unknown, end: 'crashed' },
  'io-error': { state: 'paused', reason: stateReasons.paused.ioerror },
  watchdog: { state: 'paused', reason: stateReasons.paused.watchdog },
  debug: { state: 'running', reason: stateReasons.running.unknown },
  inmigrate: { state: 'paused', reason: stateReasons.paused.migration },
  postmigrate: { state: 'paused', reason: stateReasons.paused.migration },
  'finish-migrate': { state: 'paused', reason: stateReasons.paused.migration },
  'restore-vm': { state: 'paused', reason: stateReasons.paused.unknown },
  'save-vm': { state: 'paused', reason: stateReasons.paused.save },
  colo: { state: 'paused', reason: stateReasons.paused.migration },
  preconfig: { state: 'paused', reason: stateReasons.paused.startingUp },
}

/** The state of a guest that runs already; `ioError` is what has stopped it, when its status is `io-error`. */
export function foundState(status: QemuRunState, ioError?: IoError): RunState {
  return { ...foundStates[status], ...(ioError && { why: ioErrorText(ioError) }), resumeReason: 'unpaused' }
}

/** What there is to tell of a guest whose state was not known until now; nothing when its end will tell enough. */
export function foundNotice({ state, reason, why }: RunState): LifecycleNotice | undefined {
  if (state === 'running') return ['resumed', lifecycleDetails.resumed.unpaused]
  if (state === 'pmsuspended') return ['pmsuspended', lifecycleDetails.pmsuspended.memory]
  if (state !== 'paused') return undefined
  const isIoError = reason === stateReasons.paused.ioerror
  return notice('suspended', lifecycleDetails.suspended[isIoError ? 'ioerror' : 'paused'], why)
}

/** Causes by the `reason` of QEMU's `SHUTDOWN`; every other reason is a shutdown. */
const causes: ReadonlyMap<unknown, EndCause> = new Map([
  ['host-error', 'failed'],
  ['host-qmp-quit', 'destroyed'],
  ['host-signal', 'destroyed'],
  ['guest-panic', 'crashed'],
])

/** The effect of each event of QEMU on the state; other events have none. */
const transitions: ReadonlyMap<string, (state: RunState, data: QmpEvent['data']) => Transition> = new Map([
  ['STOP', stopped],
  ['RESUME', resumed],
  ['SHUTDOWN', shutDown],
  ['GUEST_PANICKED', panicked],
  ['SUSPEND', suspended],
  ['WAKEUP', wokenUp],
  ['BLOCK_IO_ERROR', blockIoError],
])

/** The state after an event, and what there is to tell. No event brings back a guest that is shutting down or has crashed. */
export function nextState(state: RunState, { name, data }: QmpEvent): Transition {
  const transition = transitions.get(name)
  return transition ? transition(state, data) : { state, notices: [] }
}

/** The event at the end of a run (details as libvirt's own driver gives them). */
export function endNotice({ end, endWhy }: RunState): LifecycleNotice {
  return notice('stopped', lifecycleDetails.stopped[end ?? 'failed'], endWhy)
}

/** The state after a run; an end that QEMU did not announce is a crash, as libvirt has it. */
export function shutoffState({ end, endWhy }: RunState): DomainStateAndReason {
  return { state: 'shutoff', reason: stateReasons.shutoff[end ?? 'crashed'], ...(endWhy && { why: endWhy }) }
}

function notice(event: LifecycleEventKind, detail: number, why?: string): LifecycleNotice {
  return why === undefined ? [event, detail] : [event, detail, why]
}

/** A guest that is about to end changes no more, and a state is not entered twice. */
function ignores({ state }: RunState, next: DomainState): boolean {
  return state === 'shutdown' || state === 'crashed' || state === next
}

/** A new state does not keep the explanation of the former one. */
function withoutWhy({ why: _, ...rest }: RunState): RunState {
  return rest
}

function stopped(state: RunState): Transition {
  if (ignores(state, 'paused')) return { state, notices: [] }
  const { ioError, why: _, ...rest } = state
  const cause = ioError && { why: ioErrorText(ioError) }
  const reason = stateReasons.paused[cause ? 'ioerror' : 'user']
  const detail = lifecycleDetails.suspended[cause ? 'ioerror' : 'paused']
  return {
    state: { ...rest, ...cause, state: 'paused', reason, resumeReason: 'unpaused' },
    notices: [notice('suspended', detail, cause?.why)],
  }
}

function resumed(state: RunState): Transition {
  if (ignores(state, 'running')) return { state, notices: [] }
  const { resumeReason, ioError: _, why: __, ...rest } = state
  return {
    state: { ...rest, state: 'running', reason: stateReasons.running[resumeReason], resumeReason: 'unpaused' },
    notices: [['resumed', lifecycleDetails.resumed.unpaused]],
  }
}

function shutDown(state: RunState, data: QmpEvent['data']): Transition {
  const end = state.end ?? causes.get(data['reason']) ?? 'shutdown'
  if (ignores(state, 'shutdown')) return { state: { ...state, end }, notices: [] }
  const { guest, host } = lifecycleDetails.shutdown
  return {
    state: { ...withoutWhy(state), state: 'shutdown', reason: stateReasons.shutdown.unknown, end },
    notices: end === 'destroyed' ? [] : [['shutdown', data['guest'] === true ? guest : host]],
  }
}

function panicked(state: RunState): Transition {
  if (state.state === 'crashed') return { state, notices: [] }
  return {
    state: { ...withoutWhy(state), state: 'crashed', reason: stateReasons.crashed.panicked, end: 'crashed' },
    notices: [['crashed', lifecycleDetails.crashed.panicked]],
  }
}

function suspended(state: RunState): Transition {
  if (ignores(state, 'pmsuspended')) return { state, notices: [] }
  return {
    state: { ...withoutWhy(state), state: 'pmsuspended', reason: stateReasons.pmsuspended.unknown },
    notices: [['pmsuspended', lifecycleDetails.pmsuspended.memory]],
  }
}

function wokenUp(state: RunState): Transition {
  if (ignores(state, 'running')) return { state, notices: [] }
  return {
    state: { ...withoutWhy(state), state: 'running', reason: stateReasons.running.wakeup },
    notices: [['started', lifecycleDetails.started.wakeup]],
  }
}

/** QEMU stops the guest after some of these errors, and says so with `STOP`. */
function blockIoError(state: RunState, data: QmpEvent['data']): Transition {
  if (data['action'] !== 'stop') return { state, notices: [] }
  const node = data['node-name']
  const disk = typeof node === 'string' && /^[a-z]{3,6}$/.test(node) ? { disk: node } : {}
  return { state: { ...state, ioError: { isFull: data['nospace'] === true, ...disk } }, notices: [] }
}

function ioErrorText({ isFull, disk }: IoError): string {
  const which = disk === undefined ? 'a disk' : `disk '${disk}'`
  return isFull ? `no space is left on the host for ${which}` : `${which} cannot be read or written on the host`
}

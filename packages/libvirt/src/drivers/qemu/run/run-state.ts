import type { DomainState, DomainStateAndReason, LifecycleEventKind } from '../../../driver.ts'
import { lifecycleDetails } from '../../../lifecycle-details.ts'
import { stateReasons } from '../../../state-reasons.ts'
import type { QemuRunState } from '../qmp/qmp-commands.ts'
import type { QmpEvent } from '../qmp/qmp-message.ts'

/** How a run came to its end, as far as is known. */
export type EndCause = 'shutdown' | 'destroyed' | 'crashed' | 'failed'

/** What is known of a guest that runs: a value, which each event replaces. */
export interface RunState extends DomainStateAndReason {
  /** Undefined as long as nothing speaks of an end. */
  readonly end?: EndCause
  /** Why the next `STOP` will come, when something has said so before. */
  readonly stopReason?: 'ioerror'
  /** What the next `RESUME` is: the guest's first instruction, or the end of a pause. */
  readonly resumeReason: 'booted' | 'unpaused'
}

/** A life-cycle event to come: its kind and detail. */
export type LifecycleNotice = readonly [event: LifecycleEventKind, detail: number]

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

/** The state of a guest that runs already. */
export function foundState(status: QemuRunState): RunState {
  return { ...foundStates[status], resumeReason: 'unpaused' }
}

/** Causes by the `reason` of QEMU's `SHUTDOWN`; what is not listed is a shutdown. */
const causes: ReadonlyMap<unknown, EndCause> = new Map([
  ['host-error', 'failed'],
  ['host-qmp-quit', 'destroyed'],
  ['host-signal', 'destroyed'],
  ['guest-panic', 'crashed'],
])

/** What each event of QEMU's means; others mean nothing to the state. */
const transitions: ReadonlyMap<string, (state: RunState, data: QmpEvent['data']) => Transition> = new Map([
  ['STOP', stopped],
  ['RESUME', resumed],
  ['SHUTDOWN', shutDown],
  ['GUEST_PANICKED', panicked],
  ['SUSPEND', suspended],
  ['WAKEUP', wokenUp],
  ['BLOCK_IO_ERROR', ioError],
])

/** The state after an event, and what there is to tell. Nothing brings a guest back that is shutting down or has crashed. */
export function nextState(state: RunState, { name, data }: QmpEvent): Transition {
  const transition = transitions.get(name)
  return transition ? transition(state, data) : { state, notices: [] }
}

/** The event at the end of a run (details as libvirt's own driver gives them). */
export function endNotice({ end }: RunState): LifecycleNotice {
  return ['stopped', lifecycleDetails.stopped[end ?? 'failed']]
}

/** The state after a run; an end that nobody announced is a crash, as libvirt has it. */
export function shutoffReason({ end }: RunState): number {
  return stateReasons.shutoff[end ?? 'crashed']
}

/** Nothing happens to a guest that is about to end, and nothing happens twice. */
function ignores({ state }: RunState, next: DomainState): boolean {
  return state === 'shutdown' || state === 'crashed' || state === next
}

function stopped(state: RunState): Transition {
  if (ignores(state, 'paused')) return { state, notices: [] }
  const { stopReason, ...rest } = state
  const reason = stateReasons.paused[stopReason ?? 'user']
  const detail = lifecycleDetails.suspended[stopReason ?? 'paused']
  return {
    state: { ...rest, state: 'paused', reason, resumeReason: 'unpaused' },
    notices: [['suspended', detail]],
  }
}

function resumed(state: RunState): Transition {
  if (ignores(state, 'running')) return { state, notices: [] }
  const { resumeReason } = state
  const { stopReason: _, ...rest } = state
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
    state: { ...state, state: 'shutdown', reason: stateReasons.shutdown.unknown, end },
    notices: end === 'destroyed' ? [] : [['shutdown', data['guest'] === true ? guest : host]],
  }
}

function panicked(state: RunState): Transition {
  if (state.state === 'crashed') return { state, notices: [] }
  return {
    state: { ...state, state: 'crashed', reason: stateReasons.crashed.panicked, end: 'crashed' },
    notices: [['crashed', lifecycleDetails.crashed.panicked]],
  }
}

function suspended(state: RunState): Transition {
  if (ignores(state, 'pmsuspended')) return { state, notices: [] }
  return {
    state: { ...state, state: 'pmsuspended', reason: stateReasons.pmsuspended.unknown },
    notices: [['pmsuspended', lifecycleDetails.pmsuspended.memory]],
  }
}

function wokenUp(state: RunState): Transition {
  if (ignores(state, 'running')) return { state, notices: [] }
  return {
    state: { ...state, state: 'running', reason: stateReasons.running.wakeup },
    notices: [['started', lifecycleDetails.started.wakeup]],
  }
}

/** QEMU stops the guest after some of these, and says so with `STOP`. */
function ioError(state: RunState, data: QmpEvent['data']): Transition {
  return { state: data['action'] === 'stop' ? { ...state, stopReason: 'ioerror' } : state, notices: [] }
}

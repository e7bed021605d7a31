import { isObject, type JsonObject, object, text, wholeNumber } from './qmp-message.ts'

/** States of a machine as QEMU names them (`RunState`). */
export const runStates = [
  'running',
  'prelaunch',
  'paused',
  'suspended',
  'shutdown',
  'guest-panicked',
  'internal-error',
  'io-error',
  'watchdog',
  'debug',
  'inmigrate',
  'postmigrate',
  'finish-migrate',
  'restore-vm',
  'save-vm',
  'colo',
  'preconfig',
] as const

export type QemuRunState = (typeof runStates)[number]

/** A disk as QEMU knows it. */
export interface QemuBlockDevice {
  /** Path of the device in the machine. */
  readonly device: string
  /** Size that the guest sees, bytes. */
  readonly size: number
  /** The last request of the guest failed because no space is left on the host. */
  readonly isFull: boolean
}

/** The reply of each command that is used. */
interface QmpReplies {
  readonly qmp_capabilities: undefined
  readonly cont: undefined
  readonly stop: undefined
  readonly quit: undefined
  readonly system_powerdown: undefined
  readonly system_wakeup: undefined
  readonly balloon: undefined
  readonly block_resize: undefined
  readonly 'query-status': QemuRunState
  /** Bytes that the guest has. */
  readonly 'query-balloon': number
  readonly 'query-block': QemuBlockDevice[]
  readonly 'qom-set': undefined
  /** The value of a property of an object, which the caller checks. */
  readonly 'qom-get': unknown
}

export type QmpCommand = keyof QmpReplies

export type QmpReply<C extends QmpCommand> = QmpReplies[C]

/** Reads the reply of each command. @throws TypeError when it is not one that the command has */
export const qmpReplies: { readonly [C in QmpCommand]: (value: unknown) => QmpReplies[C] } = {
  qmp_capabilities: nothing,
  cont: nothing,
  stop: nothing,
  quit: nothing,
  system_powerdown: nothing,
  system_wakeup: nothing,
  balloon: nothing,
  block_resize: nothing,
  'query-status': runState,
  'qom-set': nothing,
  'qom-get': (value) => value,
  'query-balloon': (value) => wholeNumber(asObject(value), 'actual'),
  'query-block': (value) => {
    if (!Array.isArray(value)) throw new TypeError('the disks are not a list')
    return value.map(asObject).flatMap(blockDevice)
  },
}

/** Replies that may be longer than other lines, bytes: disks are told with all their paths and backing images. */
export const largestReplies: { readonly [C in QmpCommand]?: number } = { 'query-block': 1 << 20 }

function nothing(value: unknown): undefined {
  asObject(value)
}

function runState(value: unknown): QemuRunState {
  const status = text(asObject(value), 'status')
  const state = runStates.find((known) => known === status)
  if (!state) throw new TypeError(`'${status}' is no state of a machine`)
  return state
}

function asObject(value: unknown): JsonObject {
  if (!isObject(value)) throw new TypeError('the reply is not an object')
  return value
}

/** Drives without a medium or a device are left out. */
function blockDevice(entry: JsonObject): QemuBlockDevice[] {
  if (entry['qdev'] === undefined || entry['inserted'] === undefined) return []
  const size = wholeNumber(object(object(entry, 'inserted'), 'image'), 'virtual-size')
  return [{ device: text(entry, 'qdev'), size, isFull: entry['io-status'] === 'nospace' }]
}

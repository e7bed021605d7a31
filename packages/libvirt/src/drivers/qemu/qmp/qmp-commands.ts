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
}

/** Reads the reply of each command that is used; throws TypeError when it is not what the command answers. */
export const qmpReplies = {
  qmp_capabilities: nothing,
  cont: nothing,
  stop: nothing,
  quit: nothing,
  system_powerdown: nothing,
  system_wakeup: nothing,
  balloon: nothing,
  block_resize: nothing,
  'query-status': (value: unknown): QemuRunState => {
    const status = text(asObject(value), 'status')
    const state = runStates.find((known) => known === status)
    if (!state) throw new TypeError(`'${status}' is no state of a machine`)
    return state
  },
  /** Bytes that the guest has. */
  'query-balloon': (value: unknown): number => wholeNumber(asObject(value), 'actual'),
  'query-block': (value: unknown): QemuBlockDevice[] => {
    if (!Array.isArray(value)) throw new TypeError('the disks are not a list')
    return value.map(asObject).flatMap(blockDevice)
  },
} as const

export type QmpCommand = keyof typeof qmpReplies

export type QmpReply<C extends QmpCommand> = ReturnType<(typeof qmpReplies)[C]>

function nothing(value: unknown): void {
  asObject(value)
}

function asObject(value: unknown): JsonObject {
  if (!isObject(value)) throw new TypeError('the reply is not an object')
  return value
}

/** Drives without a medium or a device are left out. */
function blockDevice(entry: JsonObject): QemuBlockDevice[] {
  if (entry['qdev'] === undefined || entry['inserted'] === undefined) return []
  const size = wholeNumber(object(object(entry, 'inserted'), 'image'), 'virtual-size')
  return [{ device: text(entry, 'qdev'), size }]
}

import {
  backupCancel,
  backupExecute,
  backupInfo,
  backupRestore,
  type CallRow,
  vmDeviceAssign,
  vmDeviceAttach,
  vmDeviceDetach,
  vmDeviceSetAssignment,
  vmDeviceUnassign,
  vmMicrophoneAttach,
  vmMicrophoneDetach,
} from '@cloister/admin-protocol'
import { msg, QubesNotImplementedError } from '@cloister/kit'
import { type HandledCall, handle } from '../handler.ts'

/** A call of the reference that this daemon knows, but does not serve: clients show one line in place of a traceback. */
function notServed<A, R>(row: CallRow<A, undefined, R>, what: string): HandledCall {
  return handle(row, () => {
    throw new QubesNotImplementedError(msg`This version of cloisterd cannot ${what}`)
  })
}

export const notServedHandlers: readonly HandledCall[] = [
  notServed(vmDeviceAttach, 'attach devices'),
  notServed(vmDeviceDetach, 'detach devices'),
  notServed(vmDeviceAssign, 'assign devices'),
  notServed(vmDeviceUnassign, 'end assignments of devices'),
  notServed(vmDeviceSetAssignment, 'change assignments of devices'),
  notServed(vmMicrophoneAttach, 'attach the microphone'),
  notServed(vmMicrophoneDetach, 'detach the microphone'),
  notServed(backupExecute, 'make backups'),
  notServed(backupInfo, 'describe backups'),
  notServed(backupCancel, 'make backups, so there is none to be ended'),
  notServed(backupRestore, 'restore backups'),
]

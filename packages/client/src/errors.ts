import { DaemonCommunicationError, type WireException } from '@cloister/admin-protocol'
import {
  type CloisterError,
  type Message,
  msg,
  PermissionDenied,
  ProtocolError,
  QubesException,
  QubesFeatureNotFoundError,
  QubesInvalidLabelError,
  QubesInvalidLabelValueError,
  QubesInvalidTagError,
  QubesLabelInUseError,
  QubesLabelNotFoundError,
  QubesMemoryError,
  QubesNoSuchPropertyError,
  QubesNoTemplateError,
  QubesNotImplementedError,
  QubesPoolInUseError,
  QubesPoolNotFoundError,
  QubesPropertyValueError,
  QubesTagNotFoundError,
  QubesValueError,
  QubesVMAlreadyExistsError,
  QubesVMError,
  QubesVMInUseError,
  QubesVMInvalidUUIDError,
  QubesVMNotFoundError,
  QubesVMNotHaltedError,
  QubesVMNotPausedError,
  QubesVMNotRunningError,
  QubesVMNotStartedError,
  QubesVMShutdownTimeoutError,
  QubesVolumeCopyInUseError,
  QubesVolumeCopyTokenNotFoundError,
  QubesVolumeNotFoundError,
  QubesVolumeRevisionNotFoundError,
  StoragePoolException,
} from '@cloister/kit'

/** The reply was empty: policy does not allow the call (reference: admin-api, 2.1), or the daemon ended before it answered. */
export class DaemonAccessError extends DaemonCommunicationError {
  static override readonly wireType: string = 'QubesDaemonAccessError'
}

/** No daemon listens on the socket, or the connection to the daemon broke before an answer came. */
export class DaemonUnreachableError extends DaemonCommunicationError {}

/** The answer did not come within the caller's time limit. */
export class DaemonTimeoutError extends DaemonCommunicationError {}

type ErrorClass = (new (text: Message) => CloisterError) & { readonly wireType: string }

const classes: readonly ErrorClass[] = [
  PermissionDenied,
  ProtocolError,
  QubesException,
  QubesFeatureNotFoundError,
  QubesInvalidLabelError,
  QubesInvalidLabelValueError,
  QubesInvalidTagError,
  QubesLabelInUseError,
  QubesLabelNotFoundError,
  QubesMemoryError,
  QubesNoSuchPropertyError,
  QubesNotImplementedError,
  QubesNoTemplateError,
  QubesPoolInUseError,
  QubesPoolNotFoundError,
  QubesPropertyValueError,
  QubesTagNotFoundError,
  QubesValueError,
  QubesVMAlreadyExistsError,
  QubesVMError,
  QubesVMInUseError,
  QubesVMInvalidUUIDError,
  QubesVMNotFoundError,
  QubesVMNotHaltedError,
  QubesVMNotPausedError,
  QubesVMNotRunningError,
  QubesVMNotStartedError,
  QubesVMShutdownTimeoutError,
  QubesVolumeCopyInUseError,
  QubesVolumeCopyTokenNotFoundError,
  QubesVolumeNotFoundError,
  QubesVolumeRevisionNotFoundError,
  StoragePoolException,
]

const byType: ReadonlyMap<string, ErrorClass> = new Map(classes.map((one) => [one.wireType, one] as const))

/** The error that an exception of the daemon stands for; a type that is not known is a QubesException. */
export function errorFor({ type, message }: WireException): CloisterError {
  const found = byType.get(type) ?? QubesException
  return new found(message)
}

/** The error for a call whose reply is empty. */
export function accessError(call: string, destination: string): DaemonAccessError {
  return new DaemonAccessError(
    msg`${call} on ${destination} got no answer: the policy does not allow the call, or cloisterd ended before it answered`,
  )
}

/** The error for a call that was given up after `limit` milliseconds. */
export function timeoutError(call: string, destination: string, limit: number): DaemonTimeoutError {
  return new DaemonTimeoutError(
    msg`${call} on ${destination} took longer than ${limit} ms; the daemon may still carry it out`,
  )
}

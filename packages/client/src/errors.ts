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

/** The daemon closed without a word: policy does not allow the call (reference: admin-api, 2.1). */
export class DaemonAccessError extends DaemonCommunicationError {
  static override readonly wireType: string = 'QubesDaemonAccessError'
}

/** There is nobody at the other end. */
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

/** The error for a call that got no answer. */
export function accessError(call: string, destination: string): DaemonAccessError {
  return new DaemonAccessError(
    msg`${call} on ${destination} got no answer: the policy does not allow it, or the daemon could not read the request`,
  )
}

/** The error for a call that was given up after so many milliseconds. */
export function timeoutError(call: string, destination: string, limit: number): DaemonTimeoutError {
  return new DaemonTimeoutError(
    msg`${call} on ${destination} took longer than ${limit} ms; the daemon may still carry it out`,
  )
}

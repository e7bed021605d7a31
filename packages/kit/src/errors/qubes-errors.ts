import { CloisterError, libvirtCodes } from './cloister-error.ts'

// One class per exception type of the Admin API; reference: admin-api, 2.4.

/** An error for users that none of the classes below describes. */
export class QubesException extends CloisterError {
  static override readonly wireType: string = 'QubesException'
  static override readonly libvirtCode: number = libvirtCodes.operationFailed
}

/** A domain named as source, destination or argument is unknown. */
export class QubesVMNotFoundError extends QubesException {
  static override readonly wireType: string = 'QubesVMNotFoundError'
  static override readonly libvirtCode: number = libvirtCodes.noDomain
}

/** A `uuid:` reference is malformed. */
export class QubesVMInvalidUUIDError extends QubesException {
  static override readonly wireType: string = 'QubesVMInvalidUUIDError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** A domain of that name exists. */
export class QubesVMAlreadyExistsError extends QubesException {
  static override readonly wireType: string = 'QubesVMAlreadyExistsError'
  static override readonly libvirtCode: number = libvirtCodes.operationFailed
}

/** The state or the class of the domain does not allow the operation. */
export class QubesVMError extends QubesException {
  static override readonly wireType: string = 'QubesVMError'
  static override readonly libvirtCode: number = libvirtCodes.operationInvalid
}

/** Another domain, or a global property, refers to the domain. */
export class QubesVMInUseError extends QubesVMError {
  static override readonly wireType: string = 'QubesVMInUseError'
  static override readonly libvirtCode: number = libvirtCodes.operationInvalid
}

/** The domain is halted. Tools that stop domains ignore this error and no other. */
export class QubesVMNotStartedError extends QubesVMError {
  static override readonly wireType: string = 'QubesVMNotStartedError'
  static override readonly libvirtCode: number = libvirtCodes.operationInvalid
}

/** The domain is not running. */
export class QubesVMNotRunningError extends QubesVMNotStartedError {
  static override readonly wireType: string = 'QubesVMNotRunningError'
  static override readonly libvirtCode: number = libvirtCodes.operationInvalid
}

/** The domain is not paused. */
export class QubesVMNotPausedError extends QubesVMNotStartedError {
  static override readonly wireType: string = 'QubesVMNotPausedError'
  static override readonly libvirtCode: number = libvirtCodes.operationInvalid
}

/** The domain must be halted for this. */
export class QubesVMNotHaltedError extends QubesVMError {
  static override readonly wireType: string = 'QubesVMNotHaltedError'
  static override readonly libvirtCode: number = libvirtCodes.operationInvalid
}

/** The guest did not stop in time. Tools kill a domain after this error and no other. */
export class QubesVMShutdownTimeoutError extends QubesVMError {
  static override readonly wireType: string = 'QubesVMShutdownTimeoutError'
  static override readonly libvirtCode: number = libvirtCodes.operationTimeout
}

/** The template is missing. */
export class QubesNoTemplateError extends QubesException {
  static override readonly wireType: string = 'QubesNoTemplateError'
  static override readonly libvirtCode: number = libvirtCodes.operationFailed
}

/** There is not enough memory. */
export class QubesMemoryError extends QubesException {
  static override readonly wireType: string = 'QubesMemoryError'
  static override readonly libvirtCode: number = libvirtCodes.operationFailed
}

/** The pool is in use, or the name is taken. */
export class QubesPoolInUseError extends QubesException {
  static override readonly wireType: string = 'QubesPoolInUseError'
  static override readonly libvirtCode: number = libvirtCodes.operationInvalid
}

/** The pool is unknown. */
export class QubesPoolNotFoundError extends QubesException {
  static override readonly wireType: string = 'QubesPoolNotFoundError'
  static override readonly libvirtCode: number = libvirtCodes.noStoragePool
}

/** The volume is unknown. */
export class QubesVolumeNotFoundError extends QubesException {
  static override readonly wireType: string = 'QubesVolumeNotFoundError'
  static override readonly libvirtCode: number = libvirtCodes.noStorageVolume
}

/** The revision is unknown. */
export class QubesVolumeRevisionNotFoundError extends QubesException {
  static override readonly wireType: string = 'QubesVolumeRevisionNotFoundError'
  static override readonly libvirtCode: number = libvirtCodes.noStorageVolume
}

/** Too many copies are under way. */
export class QubesVolumeCopyInUseError extends QubesException {
  static override readonly wireType: string = 'QubesVolumeCopyInUseError'
  static override readonly libvirtCode: number = libvirtCodes.operationInvalid
}

/** The token of a copy is unknown or used up. */
export class QubesVolumeCopyTokenNotFoundError extends QubesException {
  static override readonly wireType: string = 'QubesVolumeCopyTokenNotFoundError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** A storage driver failed or refused. */
export class StoragePoolException extends QubesException {
  static override readonly wireType: string = 'StoragePoolException'
  static override readonly libvirtCode: number = libvirtCodes.operationFailed
}

/** A value is not valid. */
export class QubesValueError extends QubesException {
  static override readonly wireType: string = 'QubesValueError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** A property refused the value. */
export class QubesPropertyValueError extends QubesValueError {
  static override readonly wireType: string = 'QubesPropertyValueError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** The object has no such property. */
export class QubesNoSuchPropertyError extends QubesException {
  static override readonly wireType: string = 'QubesNoSuchPropertyError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** The feature is not set. */
export class QubesFeatureNotFoundError extends QubesException {
  static override readonly wireType: string = 'QubesFeatureNotFoundError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** The tag is not set. */
export class QubesTagNotFoundError extends QubesException {
  static override readonly wireType: string = 'QubesTagNotFoundError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** The name of a tag is not valid. */
export class QubesInvalidTagError extends QubesException {
  static override readonly wireType: string = 'QubesInvalidTagError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** The label is unknown. */
export class QubesLabelNotFoundError extends QubesException {
  static override readonly wireType: string = 'QubesLabelNotFoundError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** The label exists, or a domain has it. */
export class QubesLabelInUseError extends QubesException {
  static override readonly wireType: string = 'QubesLabelInUseError'
  static override readonly libvirtCode: number = libvirtCodes.operationInvalid
}

/** The name of a label is not valid. */
export class QubesInvalidLabelError extends QubesException {
  static override readonly wireType: string = 'QubesInvalidLabelError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** The colour of a label is not valid. */
export class QubesInvalidLabelValueError extends QubesException {
  static override readonly wireType: string = 'QubesInvalidLabelValueError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** The storage driver or the class of the domain does not support the operation. */
export class QubesNotImplementedError extends QubesException {
  static override readonly wireType: string = 'QubesNotImplementedError'
  static override readonly libvirtCode: number = libvirtCodes.noSupport
}

/** The request is malformed. Clients show a traceback for it, so it is never thrown for a mistake of a user. */
export class ProtocolError extends CloisterError {
  static override readonly wireType: string = 'ProtocolError'
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** A handler refuses the call. Policy does not throw this: it refuses with an empty reply. */
export class PermissionDenied extends CloisterError {
  static override readonly wireType: string = 'PermissionDenied'
  static override readonly libvirtCode: number = libvirtCodes.accessDenied
}

import { CloisterError, libvirtCodes, QubesException } from '@cloister/kit'

/**
 * The bytes are not a request, or the request is too long: the connection is closed without a reply (reference: admin-api, 1.2).
 */
export class FramingError extends CloisterError {
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** The bytes that the daemon sent are not a reply to the call. Only clients throw it. */
export class DaemonCommunicationError extends QubesException {
  static override readonly wireType: string = 'QubesDaemonCommunicationError'
}

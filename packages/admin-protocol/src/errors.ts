import { CloisterError, libvirtCodes, QubesException } from '@cloister/kit'

/**
 * The bytes are no request at all, or too many: the connection is closed without a reply (reference: admin-api, 1.2).
 */
export class FramingError extends CloisterError {
  static override readonly libvirtCode: number = libvirtCodes.invalidArg
}

/** What the daemon sent is not a reply of the call. Made on the client's side only. */
export class DaemonCommunicationError extends QubesException {
  static override readonly wireType: string = 'QubesDaemonCommunicationError'
}

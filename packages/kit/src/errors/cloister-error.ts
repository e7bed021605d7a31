import { type Message, messageText, plainMessage } from '../message.ts'
import { laterErrors } from './later-errors.ts'

/** Error numbers of libvirt that the error classes here correspond to (`virErrorNumber`; reference: libvirt, 3.3). */
export const libvirtCodes = {
  internal: 1,
  noSupport: 3,
  invalidArg: 8,
  operationFailed: 9,
  noDomain: 42,
  noStoragePool: 49,
  noStorageVolume: 50,
  operationInvalid: 55,
  operationTimeout: 68,
  configUnsupported: 67,
  accessDenied: 88,
  xmlError: 27,
} as const

/**
 * Base class of every error that is sent to clients. Each class corresponds to one exception type of the Admin API (`wireType`) and
 * one error number of libvirt (`libvirtCode`). The message says what was tried, on which object, why it failed, and what to do.
 */
export class CloisterError extends Error {
  /** Exception type in an Admin API reply (reference: admin-api, 2.4). */
  static readonly wireType: string = 'QubesException'
  /** Error number in a reply of the libvirt protocol. */
  static readonly libvirtCode: number = libvirtCodes.operationFailed

  /** The message as format and fields, as the wire needs it. */
  readonly text: Message

  constructor(text: Message | string, options?: ErrorOptions) {
    const message = typeof text === 'string' ? plainMessage(text) : text
    super(messageText(message), options)
    this.text = message
    this.name = new.target.wireType
  }

  get wireType(): string {
    return (this.constructor as typeof CloisterError).wireType
  }

  get libvirtCode(): number {
    return (this.constructor as typeof CloisterError).libvirtCode
  }
}

/** The message of a thrown value, which need not be an Error. */
export function errorText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The text of an error and of all its causes, outermost first, each with what failed after it. */
export function errorChain(thrown: unknown): string {
  const texts: string[] = []
  for (
    let at: unknown = thrown;
    at !== undefined && texts.length < 8;
    at = at instanceof Error ? at.cause : undefined
  ) {
    const others = laterErrors(at).map(errorText)
    texts.push(others.length > 0 ? `${errorText(at)} (then failed: ${others.join('; ')})` : errorText(at))
  }
  return texts.join(': ')
}

import { CloisterError, type Message, messageText, plainMessage } from '@cloister/kit'
import { type ErrorDomain, type ErrorName, errorDomains, errorLevel, errorNumbers } from './error-numbers.ts'

/** Options of a {@link LibvirtError}: the part of libvirt that raises it, and its cause. */
export interface LibvirtErrorOptions extends ErrorOptions {
  /** The part of libvirt that raises it; `NONE` unless given. */
  readonly domain?: ErrorDomain
}

/**
 * An error of libvirt's: a number, which programs branch on, and a text made of the number's template and a detail, as
 * they go over the wire (reference: libvirt, 3.3).
 */
export class LibvirtError extends CloisterError {
  /** Name of the number, without `VIR_ERR_`. */
  readonly kind: ErrorName
  /** `virErrorNumber`. */
  readonly code: number
  /** `virErrorDomain`. */
  readonly domain: number
  /** `virErrorLevel`: always 2, an error. */
  readonly level: number = errorLevel
  /** The part of the message that replaces `%s` of the template. */
  readonly detail: Message

  constructor(kind: ErrorName, detail: Message | string, options: LibvirtErrorOptions = {}) {
    const message = typeof detail === 'string' ? plainMessage(detail) : detail
    const { code, template } = errorNumbers[kind]
    super({ format: template.replace('%s', () => message.format), fields: message.fields }, options)
    this.name = 'LibvirtError'
    this.kind = kind
    this.code = code
    this.domain = errorDomains[options.domain ?? 'NONE']
    this.detail = message
  }

  override get libvirtCode(): number {
    return this.code
  }

  /** `str1` of the wire: the template. */
  get str1(): string {
    return errorNumbers[this.kind].template
  }

  /** `str2` of the wire: the detail. */
  get str2(): string {
    return messageText(this.detail)
  }
}

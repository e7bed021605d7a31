import { msg } from '@cloister/kit'
import { LibvirtError } from './error.ts'
import type { ErrorDomain } from './error-numbers.ts'

/**
 * The program that runs a domain does not answer: it is stopped, stuck, or cannot be reached. Calls on the domain fail until the
 * program answers again, except `destroy`, which works. The code is OPERATION_TIMEOUT, which other clients of libvirt know.
 */
export class DomainUnresponsiveError extends LibvirtError {
  /**
   * @param program which program runs the domain, such as `QEMU`; also where the error comes from
   * @param why completes the sentence "QEMU of domain 'work' does not answer: …"
   */
  constructor(program: ErrorDomain, name: string, why: string, options: ErrorOptions = {}) {
    const text = msg`${program} of domain '${name}' does not answer: ${why}`
    super('OPERATION_TIMEOUT', text, { ...options, domain: program })
  }
}

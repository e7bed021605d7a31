import { type Message, msg } from '@cloister/kit'
import { LibvirtError } from '../../../error.ts'

/** QEMU refused a command: its error class and its own words. */
export class QmpCommandError extends LibvirtError {
  /** `GenericError`, `CommandNotFound`, `DeviceNotFound`, … */
  readonly errorClass: string

  constructor(command: string, errorClass: string, description: string) {
    super('INTERNAL_ERROR', msg`QEMU refused '${command}': ${description}`, { domain: 'QEMU' })
    this.errorClass = errorClass
  }
}

/** QEMU has not answered a command in time; it may still carry it out. */
export class QmpLateError extends LibvirtError {
  constructor(command: string, timeoutMs: number) {
    super('OPERATION_TIMEOUT', msg`QEMU has not answered '${command}' within ${timeoutMs} ms`, { domain: 'QEMU' })
  }
}

/** The monitor cannot be used any more. */
export class QmpClosedError extends LibvirtError {
  /** `ended`: QEMU closed it; `garbled`: what came is not QMP; `silent`: there was no greeting; `detached`: we left. */
  readonly why: 'ended' | 'garbled' | 'silent' | 'detached'

  constructor(why: QmpClosedError['why'], { format, fields }: Message, options: ErrorOptions = {}) {
    super('INTERNAL_ERROR', { format: `QEMU's monitor: ${format}`, fields }, { ...options, domain: 'QEMU' })
    this.why = why
  }
}

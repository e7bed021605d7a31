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
  /** @param waitedMs how long ago the command was sent */
  constructor(command: string, waitedMs: number) {
    const seconds = Math.round(waitedMs / 100) / 10
    super('OPERATION_TIMEOUT', msg`QEMU has not answered '${command}' for ${seconds} s`, { domain: 'QEMU' })
  }
}

/** The monitor cannot be used any more. */
export class QmpClosedError extends LibvirtError {
  /**
   * `ended`: QEMU closed the connection; `garbled`: QEMU sent what is not QMP; `flooded`: QEMU sent more than its guest can
   * cause; `detached`: we closed the connection.
   */
  readonly why: 'ended' | 'garbled' | 'flooded' | 'detached'

  constructor(why: QmpClosedError['why'], { format, fields }: Message, options: ErrorOptions = {}) {
    super('INTERNAL_ERROR', { format: `QEMU's monitor: ${format}`, fields }, { ...options, domain: 'QEMU' })
    this.why = why
  }
}

/** More came from QEMU than is accepted of it. */
export class QmpFloodError extends RangeError {}

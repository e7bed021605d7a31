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

/** The monitor cannot be used any more: it ended, answered too late, or sent what is not QMP. */
export class QmpClosedError extends LibvirtError {
  /** `ended`: QEMU closed it; `garbled`: what came is not QMP; `late`: no answer in time; `detached`: we closed it. */
  readonly why: 'ended' | 'garbled' | 'late' | 'detached'

  constructor(why: QmpClosedError['why'], description: Message, options: ErrorOptions = {}) {
    super(
      why === 'late' ? 'OPERATION_TIMEOUT' : 'INTERNAL_ERROR',
      { format: `QEMU's monitor: ${description.format}`, fields: description.fields },
      {
        ...options,
        domain: 'QEMU',
      },
    )
    this.why = why
  }
}

import { type Log, messageText, msg, QubesException, QubesVMError } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { WireErrors } from './wire-error.ts'

class Remembered implements Log {
  readonly lines: { readonly message: string; readonly details: Readonly<Record<string, unknown>> }[] = []

  debug(): void {}

  info(): void {}

  warn(): void {}

  error(message: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.lines.push({ message, details })
  }
}

function errors(log: Log, debug = false): WireErrors {
  return new WireErrors(log, (count) => new Uint8Array(count).fill(0xab), debug)
}

describe('WireErrors', () => {
  it('keeps type, format and fields of an error of ours', () => {
    const wire = errors(new Remembered()).toWire(new QubesVMError(msg`${'work'} is 100% busy`), 'x')
    expect(wire).toEqual({
      type: 'QubesVMError',
      message: { format: '%s is 100%% busy', fields: ['work'] },
      traceback: '',
    })
  })

  it('tells the causes, once', () => {
    const inner = new QubesException('the disk is full')
    const wrapped = errors(new Remembered()).toWire(
      new QubesException(msg`Cannot start ${'work'}`, { cause: inner }),
      'x',
    )
    expect(messageText(wrapped.message)).toBe('Cannot start work: the disk is full')
    const told = new QubesException(msg`Cannot start: ${inner.message}`, { cause: inner })
    expect(messageText(errors(new Remembered()).toWire(told, 'x').message)).toBe('Cannot start: the disk is full')
  })

  it('makes an incident of anything else: the client learns its id, the log the rest', () => {
    const log = new Remembered()
    const thrown = new TypeError('secret detail')
    const wire = errors(log).toWire(thrown, 'admin.vm.List')
    expect(wire.type).toBe('QubesException')
    expect(messageText(wire.message)).toContain('abababab')
    expect(messageText(wire.message)).not.toContain('secret')
    expect(log.lines).toEqual([
      {
        message: 'a call failed unexpectedly',
        details: { incident: 'abababab', call: 'admin.vm.List', error: thrown },
      },
    ])
  })

  it('shows tracebacks only when it debugs', () => {
    expect(errors(new Remembered(), true).toWire(new QubesException('x'), 'y').traceback).toContain('wire-error.test')
  })
})

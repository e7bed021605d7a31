import type { BaseVM } from '@cloister/core'
import { type Log, messageText, msg, QubesException, QubesVMError } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { MemorySystem } from '../../core/src/testing/memory-system.ts'
import { KeptLog } from './testing/test-endpoint.ts'
import { standalone } from './testing/test-pipeline.ts'
import { WireErrors } from './wire-error.ts'

function errors(log: Log, debug = false): WireErrors {
  return new WireErrors(log, (count) => new Uint8Array(count).fill(0xab), debug)
}

describe('WireErrors', () => {
  it('keeps type, format and fields of an error of ours', () => {
    const wire = errors(new KeptLog()).toWire(new QubesVMError(msg`${'work'} is 100% busy`), 'x')
    expect(wire).toEqual({
      type: 'QubesVMError',
      message: { format: '%s is 100%% busy', fields: ['work'] },
      traceback: '',
    })
  })

  it('tells the causes, once', () => {
    const inner = new QubesException('the disk is full')
    const wrapped = errors(new KeptLog()).toWire(new QubesException(msg`Cannot start ${'work'}`, { cause: inner }), 'x')
    expect(messageText(wrapped.message)).toBe('Cannot start work: the disk is full')
    const told = new QubesException(msg`Cannot start: ${inner.message}`, { cause: inner })
    expect(messageText(errors(new KeptLog()).toWire(told, 'x').message)).toBe('Cannot start: the disk is full')
  })

  it('makes an incident of anything else: the client learns its id, the log the rest', () => {
    const log = new KeptLog()
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

  it('shows tracebacks to the admin domain, when it debugs', async () => {
    await using system = await MemorySystem.open()
    const work = await standalone(system, 'work')
    const traceback = (debug: boolean, source: BaseVM): string =>
      errors(new KeptLog(), debug).toWire(new QubesException('x'), 'y', source).traceback
    expect(traceback(true, system.app.adminVM)).toContain('wire-error.test')
    expect(traceback(true, work)).toBe('')
    expect(traceback(false, system.app.adminVM)).toBe('')
  })

  it('tells paths of the host to the admin domain only', async () => {
    await using system = await MemorySystem.open()
    const work = await standalone(system, 'work')
    const cause = new Error("ENOENT: no such file, open '/var/lib/cloister/vm/a.img'")
    const error = new QubesException(msg`Cannot read ${'/var/lib/x.img'} and/or 1/2 of it`, { cause })
    const text = (source: BaseVM): string => messageText(errors(new KeptLog()).toWire(error, 'y', source).message)
    expect(text(system.app.adminVM)).toBe(
      "Cannot read /var/lib/x.img and/or 1/2 of it: ENOENT: no such file, open '/var/lib/cloister/vm/a.img'",
    )
    expect(text(work)).toBe(
      "Cannot read (a path of the host) and/or 1/2 of it: ENOENT: no such file, open '(a path of the host)'",
    )
  })

  it('puts errors of the operating system into words', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    const log = new KeptLog()
    const words = (thrown: unknown): string | undefined => (thrown === full ? 'no space is left' : undefined)
    const wireErrors = new WireErrors(log, () => new Uint8Array(4), false, words)
    const text = (thrown: unknown): string => messageText(wireErrors.toWire(thrown, 'admin.vm.volume.Import').message)
    expect(text(full)).toBe('admin.vm.volume.Import failed: no space is left')
    expect(text(new QubesException('Cannot import', { cause: full }))).toBe('Cannot import: no space is left')
    expect(text(new QubesException('Cannot import: no space is left', { cause: full }))).toBe(
      'Cannot import: no space is left',
    )
    expect(log.lines).toMatchObject([{ details: { call: 'admin.vm.volume.Import', error: full } }])
  })

  it('escapes control and direction characters, in the format and in the fields', () => {
    const wire = errors(new KeptLog()).toWire(new QubesException(msg`a\x1b[2J ${'b\n\u202ec\0'} ${7}%`), 'y')
    expect(wire.message).toEqual({ format: 'a\\x1b[2J %s %s%%', fields: ['b\\n\\u{202e}c\\x00', 7] })
  })
})

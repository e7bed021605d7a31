import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asciiText, concatBytes, utf8, utf8Text } from './bytes.ts'
import { CloisterError, errorChain } from './errors/cloister-error.ts'
import * as errors from './errors/qubes-errors.ts'
import { messageText, msg, plainMessage } from './message.ts'
import { parseBoolean, parseDecimal, parseInteger } from './values.ts'

describe('messages', () => {
  it('are a constant format and fields', () => {
    expect(msg`${'a%b'} of 100% at ${5}`).toEqual({ format: '%s of 100%% at %s', fields: ['a%b', 5] })
  })

  it('read as they were written', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(messageText(msg`${a}% ${b}%s`)).toBe(`${a}% ${b}%s`)
      }),
    )
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(messageText(plainMessage(text))).toBe(text)
      }),
    )
  })
})

describe('errors', () => {
  it('know their wire type', () => {
    for (const [name, Type] of Object.entries(errors)) {
      const error = new Type('x')
      expect(error).toBeInstanceOf(CloisterError)
      expect([error.wireType, error.name]).toEqual([name, name])
    }
  })

  it('tell their causes in order', () => {
    expect(errorChain(new CloisterError('a', { cause: new Error('b', { cause: 'c' }) }))).toBe('a: b: c')
  })
})

describe('bytes', () => {
  it('go to text and back, or not at all', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed()),
        (text) => {
          expect(utf8Text(utf8(text))).toBe(text)
        },
      ),
    )
    expect(utf8Text(Uint8Array.of(0xff))).toBeUndefined()
    expect(asciiText(utf8('ü'))).toBeUndefined()
  })

  it('are joined', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (parts) => {
        expect([...concatBytes(parts)]).toEqual(parts.flatMap((part) => [...part]))
      }),
    )
  })
})

describe('values', () => {
  it.each([
    ['5', 5],
    [' +1_000 ', 1000],
    ['-3', -3],
    ['', undefined],
    ['1__0', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['9'.repeat(30), undefined],
  ])('integer %j', (text, value) => {
    expect(parseInteger(text)).toBe(value)
  })

  it.each([
    ['0', 0n],
    ['1234567890123456789', 1234567890123456789n],
    ['01', undefined],
    ['+1', undefined],
    ['', undefined],
    ['12345678901234567890', undefined],
  ])('decimal %j', (text, value) => {
    expect(parseDecimal(text)).toBe(value)
  })

  it.each([
    ['YES', true],
    ['off', false],
    ['y', undefined],
    ['2', undefined],
  ])('boolean %j', (text, value) => {
    expect(parseBoolean(text)).toBe(value)
  })
})

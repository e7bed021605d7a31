import { msg, plainMessage, utf8, utf8Text } from '@cloister/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DaemonCommunicationError } from './errors.ts'
import { encodeException, encodeOk, parseReply, type WireException } from './reply.ts'
import { ReplyReader } from './reply-reader.ts'

const text = (bytes: Uint8Array): string => utf8Text(bytes) ?? 'not UTF-8'

function exception(message: WireException['message'], traceback = ''): WireException {
  return { type: 'QubesException', message, traceback }
}

describe('a reply', () => {
  it('that is well has a head and its content', () => {
    expect(text(encodeOk(utf8('0xcc0000')))).toBe('0\x000xcc0000')
    expect(text(encodeOk(new Uint8Array()))).toBe('0\0')
  })

  it('that is an exception ends every text with NUL, the last one too', () => {
    const error = exception(msg`Feature not set: ${'nope'}`)
    expect(text(encodeException(error, 'admin'))).toBe('2\0QubesException\0\0Feature not set: nope\0')
  })

  it('escapes percent signs for clients that apply % to the text', () => {
    const because = exception(msg`because ${'100%'} no, 50% maybe`)
    expect(text(encodeException(because, 'admin'))).toBe('2\0QubesException\0\0because 100%% no, 50%% maybe\0')
    expect(text(encodeException(because, 'mgmt'))).toBe('2\0QubesException\0\0because %s no, 50%% maybe\x00100%\0')
  })

  it('holds no NUL that it does not mean', () => {
    const nasty = exception(msg`a${'\0'}b\0c`, 'x\0y')
    expect(text(encodeException(nasty, 'admin'))).toBe('2\0QubesException\0xy\0abc\0')
  })

  it('can be read back with the fields apart', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (value, traceback) => {
        const clean = (given: string): string => given.replaceAll('\0', '')
        const error = exception(msg`no ${value} for 100% of ${7}`, traceback)
        expect(parseReply(encodeException(error, 'mgmt'))).toEqual({
          kind: 'exception',
          exception: {
            type: 'QubesException',
            traceback: clean(traceback),
            message: { format: 'no %s for 100%% of %s', fields: [clean(value), '7'] },
          },
        })
      }),
    )
  })

  it('reads the other dialects back as a plain text', () => {
    const error = exception(msg`50% of ${'x'}`)
    expect(parseReply(encodeException(error, 'plain'))).toEqual({
      kind: 'exception',
      exception: exception(plainMessage('50% of x')),
    })
  })

  it('that is nothing is a refusal', () => {
    expect(parseReply(new Uint8Array())).toEqual({ kind: 'empty' })
  })

  it.each(['0', '1\0', '3\0', '00', '2\0', '2\0QubesException', '2\0Type\0\0text', '2\0Type\0text\0', 'x'])(
    '%j is none',
    (bytes) => {
      expect(() => parseReply(utf8(bytes))).toThrow(DaemonCommunicationError)
    },
  )

  it('is one, or a DaemonCommunicationError, whatever the bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.uint8Array().map((rest) => Uint8Array.of(0x32, 0, ...rest)),
    )
    fc.assert(
      fc.property(bytes, (given) => {
        try {
          parseReply(given)
        } catch (error) {
          expect(error).toBeInstanceOf(DaemonCommunicationError)
        }
      }),
    )
  })
})

describe('ReplyReader', () => {
  it('puts pieces together', () => {
    const reader = new ReplyReader()
    for (const piece of ['0', '\0a', '', 'b']) reader.push(utf8(piece))
    expect(reader.finish()).toEqual({ kind: 'ok', content: utf8('ab') })
  })

  it('takes in no more than its limit', () => {
    const reader = new ReplyReader(4)
    reader.push(utf8('0\0ab'))
    expect(() => reader.push(utf8('c'))).toThrow(DaemonCommunicationError)
  })
})

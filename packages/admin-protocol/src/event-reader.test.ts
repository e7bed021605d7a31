import { concatBytes, utf8, utf8Text } from '@cloister/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DaemonCommunicationError } from './errors.ts'
import { EventReader } from './event-reader.ts'
import { encodeEvent } from './reply.ts'
import { connectionEstablished, eventPattern, matchesEvent, type QubesEvent } from './values/event.ts'

const word = fc.string().map((text) => text.replaceAll('\0', ''))
const key = word.filter((text) => text !== '')
const event: fc.Arbitrary<QubesEvent> = fc.record({
  subject: word,
  name: word,
  pairs: fc.array(fc.tuple(key, word), { maxLength: 5 }),
})

describe('an event', () => {
  it('is written as the reference shows it', () => {
    const added: QubesEvent = { subject: '', name: 'domain-add', pairs: [['vm', 'work']] }
    const messages = concatBytes([connectionEstablished, added].map(encodeEvent))
    expect(utf8Text(messages)).toBe('1\0\0connection-established\0\x001\0\0domain-add\0vm\0work\0\0')
  })

  it('is read back, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1 }), fc.array(fc.nat(400)), (events, cuts) => {
        const whole = concatBytes(events.map(encodeEvent))
        const ends = [...cuts.toSorted((a, b) => a - b), whole.length]
        const reader = new EventReader()
        const found = ends.flatMap((end, i) => reader.push(whole.subarray(ends[i - 1] ?? 0, end)))
        expect(found).toEqual(events)
        expect(reader.finish()).toBeUndefined()
      }),
    )
  })

  it('cannot be broken by NUL bytes in its texts', () => {
    const nasty: QubesEvent = { subject: 'a\0b', name: 'n\0', pairs: [['k\0', '\0v']] }
    expect(new EventReader().push(encodeEvent(nasty))).toEqual([{ subject: 'ab', name: 'n', pairs: [['k', 'v']] }])
  })
})

describe('a stream of events', () => {
  it('may be refused instead', () => {
    const reader = new EventReader()
    expect(reader.push(utf8('2\0ProtocolError\0'))).toEqual([])
    expect(reader.push(utf8('\0no\0'))).toEqual([])
    expect(reader.finish()).toMatchObject({ kind: 'exception', exception: { type: 'ProtocolError' } })
    expect(new EventReader().finish()).toEqual({ kind: 'empty' })
  })

  it('may not break off within an event', () => {
    const reader = new EventReader()
    reader.push(concatBytes([encodeEvent(connectionEstablished), utf8('1\0work')]))
    expect(() => reader.finish()).toThrow(DaemonCommunicationError)
  })

  it.each(['0\0', '2\0E\0\0t\0', '1x\0\0\0', 'x'])('may not go on with %j', (bytes) => {
    const reader = new EventReader()
    reader.push(encodeEvent(connectionEstablished))
    expect(() => reader.push(utf8(bytes))).toThrow(DaemonCommunicationError)
  })

  it('has a limit for each event', () => {
    const reader = new EventReader(64)
    for (let i = 0; i < 10; i++) reader.push(encodeEvent(connectionEstablished))
    expect(() => reader.push(utf8(`1\0${'x'.repeat(64)}`))).toThrow(DaemonCommunicationError)
  })

  it('is events or a DaemonCommunicationError, whatever the bytes', () => {
    const bytes = fc.array(fc.constantFrom(0x30, 0x31, 0x32, 0, 0, 0x61, 0xff)).map((list) => Uint8Array.from(list))
    fc.assert(
      fc.property(fc.array(bytes), (chunks) => {
        const reader = new EventReader()
        try {
          for (const chunk of chunks) reader.push(chunk)
          reader.finish()
        } catch (error) {
          expect(error).toBeInstanceOf(DaemonCommunicationError)
        }
      }),
    )
  })
})

describe('a pattern of events', () => {
  it.each([
    [undefined, true],
    ['domain-*', true],
    ['*', true],
    ['domain-start', true],
    ['domain-sta', false],
    ['pool-*', false],
  ])('%j asks for domain-start: %s', (pattern, expected) => {
    expect(matchesEvent(pattern, 'domain-start')).toBe(expected)
  })

  it('has its star at the end only', () => {
    expect(eventPattern.parse('property-set:netvm')).toBe('property-set:netvm')
    for (const text of ['*-set', 'a**', 'a b', 'a\n']) expect(() => eventPattern.parse(text)).toThrow()
  })
})

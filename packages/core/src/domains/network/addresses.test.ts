import { QubesValueError } from '@cloister/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { numberedAddress, numberedAddress6, parseIPv4, parseIPv6 } from './addresses.ts'

describe('addresses by number', () => {
  it.each([
    [1, '10.137.0.1'],
    [5, '10.137.0.5'],
    [254, '10.137.0.254'],
    [255, '10.137.1.1'],
    [508, '10.137.1.254'],
    [509, '10.137.2.1'],
    [9999, '10.137.39.93'],
  ])('qid %i has %s', (number, address) => {
    expect(numberedAddress({ range: 'domain', number })).toBe(address)
    expect(numberedAddress({ range: 'disposable', number })).toBe(address.replace('10.137', '10.138'))
  })

  it('are all different, and none is that of a network or a broadcast', () => {
    const numbers = Array.from({ length: 9999 }, (_, at) => at + 1)
    const all = numbers.map((number) => numberedAddress({ range: 'domain', number }))
    expect(new Set(all).size).toBe(9999)
    expect(all.map(parseIPv4)).toEqual(all)
    expect(all.filter((address) => /\.(0|255)$/.test(address))).toEqual([])
  })

  it('are hexadecimal in IPv6', () => {
    expect(numberedAddress6({ range: 'domain', number: 5 })).toBe('fd09:24ef:4179::a89:5')
    expect(numberedAddress6({ range: 'disposable', number: 9999 })).toBe('fd09:24ef:4179::a8a:270f')
  })
})

describe('IPv4', () => {
  it.each(['0.0.0.0', '10.137.0.5', '255.255.255.255'])('takes %s', (text) => {
    expect(parseIPv4(text)).toBe(text)
  })

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.-4',
    '1.2.3.4 ',
    '1.2.3.٤',
    '0x1.2.3.4',
    '1..2.3',
  ])('refuses %j', (text) => {
    expect(() => parseIPv4(text)).toThrow(QubesValueError)
  })
})

/** Eight groups, with runs of zeroes. */
const anyGroups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
  minLength: 8,
  maxLength: 8,
})

describe('IPv6', () => {
  it('is shortened as RFC 5952 says', () => {
    fc.assert(
      fc.property(anyGroups, fc.boolean(), (groups, padded) => {
        const text = groups.map((group) => group.toString(16).padStart(padded ? 4 : 1, '0')).join(':')
        const short = parseIPv6(text.toUpperCase())
        expect(`[${short}]`).toBe(new URL(`http://[${text}]`).hostname)
        expect(parseIPv6(short)).toBe(short)
      }),
    )
  })

  it.each([
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['fd09:24ef:4179:0000::a89:5', 'fd09:24ef:4179::a89:5'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['10:0:1:1:1:1:1:1', '10:0:1:1:1:1:1:1'],
  ])('reads %s as %s', (text, short) => {
    expect(parseIPv6(text)).toBe(short)
  })

  it.each([
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7::8',
    'g::',
    '12345::',
    '::1%eth0',
    ' ::1',
  ])('refuses %j', (text) => {
    expect(() => parseIPv6(text)).toThrow(QubesValueError)
  })

  it('takes nothing that the platform would not', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f:]{0,24}$/), (text) => {
        const taken = (): boolean => {
          try {
            return parseIPv6(text) !== ''
          } catch {
            return false
          }
        }
        if (taken()) expect(URL.canParse(`http://[${text}]`)).toBe(true)
      }),
    )
  })
})

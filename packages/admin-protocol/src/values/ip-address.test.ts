import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isIPv4, isIPv6 } from './ip-address.ts'

describe('isIPv4', () => {
  it('knows every address', () => {
    fc.assert(fc.property(fc.ipV4(), (address) => isIPv4(address)))
  })

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.',
    '1.2.3.4 ',
    '0x1.2.3.4',
    '-1.2.3.4',
    '1.2.3.4\n',
  ])('refuses %j', (text) => {
    expect(isIPv4(text)).toBe(false)
  })
})

describe('isIPv6', () => {
  it('knows every address', () => {
    fc.assert(fc.property(fc.ipV6(), (address) => isIPv6(address)))
  })

  it.each([
    '::',
    '::1',
    '1::',
    'fe80::1',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::ffff:1.2.3.4',
    '1:2:3:4:5:6:1.2.3.4',
  ])('takes %j', (text) => {
    expect(isIPv6(text)).toBe(true)
  })

  it.each([
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1::2::3',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '12345::',
    'g::',
    'fe80::1%eth0',
    '1.2.3.4::',
    '::1.2.3',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
  ])('refuses %j', (text) => {
    expect(isIPv6(text)).toBe(false)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatSeconds, formatSize, parseSeconds, parseSize } from './sizes.ts'

describe('sizes', () => {
  it.each([
    ['0', 0n],
    ['512', 512n],
    ['512B', 512n],
    ['1K', 1024n],
    ['1.5GiB', 1610612736n],
    ['10g', 10737418240n],
    ['2 TB', 2199023255552n],
  ])('reads %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  it.each(['', '-1', '1.5', 'G', '1X', '1e9', '0x10', '1.G', '9'.repeat(16)])('refuses %j', (text) => {
    expect(parseSize(text)).toBeUndefined()
  })

  it.each([
    [0n, '0 B'],
    [999n, '999 B'],
    [1023n, '1.0 KiB'],
    [1024n, '1.0 KiB'],
    [2n << 30n, '2.0 GiB'],
    [1023n << 20n, '1.0 GiB'],
  ])('writes %d', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text)
  })

  it('reads what it writes, but for rounding', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1n << 59n }), (bytes) => {
        const read = parseSize(formatSize(bytes)) ?? -1n
        expect(Math.abs(Number(read) - Number(bytes))).toBeLessThanOrEqual(Number(bytes) * 0.06)
      }),
    )
  })
})

describe('seconds', () => {
  it('are shown as a clock shows them', () => {
    expect([0, 59.2, 65, 3600, 3661].map(formatSeconds)).toEqual(['0:00', '1:00', '1:05', '1:00:00', '1:01:01'])
  })

  it('are read as decimals only', () => {
    expect(['1', '0.5', '1e3', '-1', '', 'soon'].map(parseSeconds)).toEqual([1, 0.5, ...Array(4).fill(undefined)])
  })
})

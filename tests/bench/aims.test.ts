import { describe, expect, it } from 'vitest'
import { atLeast, atMost, isMet, limitPlus, timesLimit } from './aims.ts'

describe('an aim', () => {
  it('holds for a machine as fast as the one it was set on, or faster', () => {
    for (const value of [0.1, 0.05]) {
      const limit = { name: 'echo', value, reference: 0.1 }
      expect(isMet(atMost(0.4), 0.4, limit)).toBe(true)
      expect(isMet(atMost(0.4), 0.41, limit)).toBe(false)
    }
  })

  it('is relaxed on a slower machine', () => {
    const twice = { name: 'fsync', value: 2, reference: 1 }
    expect(isMet(atMost(3), 6, twice)).toBe(true)
    expect(isMet(limitPlus(3), 8, twice)).toBe(true)
    expect(isMet(limitPlus(3), 8.1, twice)).toBe(false)
    const half = { name: 'echo', value: 10_000, reference: 20_000 }
    expect(isMet(atLeast(8_000), 4_000, half)).toBe(true)
    expect(isMet(atLeast(8_000), 3_999, half)).toBe(false)
  })

  it('that is a multiple of the limit needs no reference', () => {
    expect(isMet(timesLimit(1.5), 1.5, { name: 'echo', value: 1 })).toBe(true)
    expect(isMet(timesLimit(1.5), 1.6, { name: 'echo', value: 1 })).toBe(false)
  })

  it('cannot be judged without its limit', () => {
    expect(isMet(timesLimit(1.5), 1, undefined)).toBeUndefined()
    expect(isMet(limitPlus(1), 1, undefined)).toBeUndefined()
    expect(isMet(atMost(1), 2, undefined)).toBe(false)
  })
})

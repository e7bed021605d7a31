import { ModelledClock } from '@cloister/os'
import { describe, expect, it } from 'vitest'
import { RateLimit } from './rate-limit.ts'

describe('RateLimit', () => {
  it('allows a burst at once, and the rate afterwards', () => {
    const clock = new ModelledClock()
    const limit = new RateLimit({ burst: 10, perSecond: 2 }, clock)
    expect(limit.take(10)).toBe(0)
    expect(limit.take(1)).toBe(500)
    clock.advance(500)
    expect(limit.take(0)).toBe(0)
    expect(limit.take(2)).toBe(1000)
    clock.advance(60_000)
    expect(limit.take(10)).toBe(0)
    expect(limit.take(1)).toBe(500)
  })

  it('tells for how long the rate has been exceeded without a rest', () => {
    const clock = new ModelledClock()
    const limit = new RateLimit({ burst: 100, perSecond: 10 }, clock)
    expect(limit.exceededMs).toBe(0)
    limit.take(101)
    for (let second = 0; second < 5; second++) {
      clock.advance(1000)
      limit.take(10)
    }
    expect(limit.exceededMs).toBe(5000)
    clock.advance(6000)
    limit.take(1)
    expect(limit.exceededMs).toBe(0)
  })

  it('does not count what is given back', () => {
    const limit = new RateLimit({ burst: 1, perSecond: 1 }, new ModelledClock())
    limit.take(1)
    limit.uncount(1)
    expect(limit.take(1)).toBe(0)
    expect(limit.take(1)).toBe(1000)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  balance,
  donate,
  type GuestMemory,
  isSignificant,
  mib,
  needed,
  preferred,
  spare,
  type Target,
} from './balance.ts'

/** A guest, in MiB. */
function guest(used: number | undefined, actual: number, max = 4000, noProgress = false): GuestMemory {
  return { used: used === undefined ? undefined : used * mib, actual: actual * mib, max: max * mib, noProgress }
}

/** What guests are to have, in MiB, by their place; undefined for those that are left alone. */
function plan(guests: readonly GuestMemory[], targets: readonly Target<GuestMemory>[]): (number | undefined)[] {
  return guests.map((one) => {
    const target = targets.find((each) => each.guest === one)
    return target && Math.round((target.memory / mib) * 10) / 10
  })
}

describe('what a guest prefers', () => {
  it.each([
    ['little use', 50, 4000, 200],
    ['use times 1.3', 400, 4000, 520],
    ['not more than its maximum', 900, 1000, 1000],
    ['the least amount even above its maximum', 50, 128, 200],
  ])('%s: %i MiB used of at most %i prefers %i', (_case, used, max, wanted) => {
    expect(preferred(guest(used, 100, max))).toBe(wanted * mib)
  })

  it('needs the difference to what it has', () => {
    expect(needed(guest(400, 300))).toBe(220 * mib)
    expect(needed(guest(400, 600))).toBe(-80 * mib)
  })

  it('leaves over what is free and not needed', () => {
    const guests = [guest(400, 300), guest(400, 600), guest(undefined, 5000), guest(50, 4000, 4000, true)]
    expect(spare(guests, 1000 * mib)).toBe((1000 - 220 + 80) * mib)
  })
})

describe('enough memory', () => {
  it('shares what is left in proportion to what is preferred', () => {
    const guests = [guest(100, 400), guest(400, 400)]
    // 200 + 520 are preferred of 1600 in all: 880 more are shared 200 to 520.
    expect(plan(guests, balance(guests, 800 * mib))).toEqual([444, 1154.4])
  })

  it('gives what is beyond a maximum to the others', () => {
    const guests = [guest(400, 400, 600), guest(400, 400)]
    const targets = plan(guests, balance(guests, 1200 * mib))
    expect(targets[0]).toBe(600)
    expect(targets[1]).toBeGreaterThan(1390)
    expect(targets[1]).toBeLessThan(1400)
  })

  it('stops when everybody is at the maximum', () => {
    const guests = [guest(400, 400, 600), guest(400, 400, 800)]
    expect(plan(guests, balance(guests, 9000 * mib))).toEqual([600, 800])
  })

  it('asks those who give first', () => {
    const guests = [guest(400, 400), guest(100, 1000)]
    const targets = balance(guests, 0)
    expect(targets.map((target) => guests.indexOf(target.guest))).toEqual([1, 0])
  })
})

describe('not enough memory', () => {
  it('asks only those who have more than they prefer, when what they yield is not free yet', () => {
    const guests = [guest(2000, 500), guest(100, 600), guest(2000, 4000)]
    expect(plan(guests, balance(guests, 100 * mib))).toEqual([undefined, 200, 2600])
  })

  it('gives out what is really free', () => {
    const guests = [guest(1000, 500), guest(3000, 500)]
    // 1300 and 3900 are preferred: 400 MiB are shared 1 to 3.
    expect(plan(guests, balance(guests, 400 * mib))).toEqual([599.4, 799.2])
  })

  it('gives out what is free beyond what is yielded', () => {
    const guests = [guest(1000, 500), guest(100, 300)]
    expect(plan(guests, balance(guests, 400 * mib))).toEqual([799.2, 200])
  })

  it('does not bother a guest for a trifle', () => {
    const guests = [guest(3000, 500), guest(100, 209)]
    expect(plan(guests, balance(guests, -1 * mib))).toEqual([undefined, undefined])
  })

  it('leaves a guest at its maximum alone', () => {
    const guests = [guest(900, 1000, 1000), guest(3000, 500)]
    expect(plan(guests, balance(guests, 100 * mib))).toEqual([undefined, 599.4])
  })
})

describe('making room', () => {
  it('borrows in proportion, with a little more than is wanted', () => {
    const guests = [guest(100, 500), guest(100, 1100), guest(2000, 400)]
    // 300 and 900 can be had: 120 wanted is a tenth of it.
    expect(plan(guests, donate(guests, 120 * mib) ?? [])).toEqual([468.5, 1005.5, undefined])
  })

  it('never asks for more than what is beyond the preference', () => {
    const guests = [guest(100, 500), guest(100, 1100)]
    expect(plan(guests, donate(guests, 1200 * mib) ?? [])).toEqual([200, 200])
  })

  it('fails when there is not enough to be had', () => {
    const guests = [guest(100, 500), guest(undefined, 4000), guest(100, 4000, 4000, true)]
    expect(donate(guests, 301 * mib)).toBeUndefined()
  })
})

describe('what is worth doing', () => {
  it.each([
    ['much is moved', guest(100, 400), 560, 0, true],
    ['little is moved', guest(100, 400), 500, 0, false],
    ['a guest below its preference gains', guest(400, 400), 420, 0, true],
    ['it gains next to nothing', guest(400, 400), 410, 0, false],
    ['the host is short', guest(100, 400), 390, -20, true],
    ['the host is a trifle short', guest(100, 400), 390, -10, false],
  ])('%s', (_case, one, memory, free, worth) => {
    expect(isSignificant([{ guest: one, memory: memory * mib }], free * mib)).toBe(worth)
  })
})

const anyGuest = fc
  .record({
    used: fc.option(fc.integer({ min: 0, max: 2 ** 24 }), { nil: undefined }),
    max: fc.integer({ min: 1, max: 2 ** 23 }),
    have: fc.double({ min: 0, max: 1, noNaN: true }),
    noProgress: fc.boolean(),
  })
  .map(({ used, max, have, noProgress }): GuestMemory => ({ used, max, actual: Math.ceil(max * have), noProgress }))
const anyGuests = fc.array(anyGuest, { maxLength: 12 })
const anyFree = fc.integer({ min: -(2 ** 22), max: 2 ** 25 })

function total(guests: readonly GuestMemory[], targets: readonly Target<GuestMemory>[]): number {
  const memory = new Map(targets.map((target) => [target.guest, target.memory]))
  return guests.reduce((sum, one) => sum + (memory.get(one) ?? one.actual), 0)
}

const touchable = ({ used, noProgress }: GuestMemory): boolean => used !== undefined && !noProgress

describe('whatever there is', () => {
  it('is never promised more than there is, nor to a guest that says nothing', () => {
    fc.assert(
      fc.property(anyGuests, anyFree, (guests, free) => {
        const targets = balance(guests, free)
        expect(total(guests, targets)).toBeLessThanOrEqual(total(guests, []) + Math.max(free, 0))
        expect(targets.every((target) => touchable(target.guest))).toBe(true)
        expect(
          targets.every(({ guest: one, memory }) => Number.isInteger(memory) && memory <= Math.max(one.max, 200 * mib)),
        ).toBe(true)
      }),
    )
  })

  it('is yielded as wanted, by those who can', () => {
    fc.assert(
      fc.property(anyGuests, fc.integer({ min: 1, max: 2 ** 23 }), (guests, wanted) => {
        const targets = donate(guests, wanted)
        const had = guests.filter(touchable).reduce((sum, one) => sum + Math.max(0, -needed(one)), 0)
        expect(targets === undefined).toBe(had < wanted)
        if (!targets) return
        expect(total(guests, []) - total(guests, targets)).toBeGreaterThanOrEqual(wanted)
        expect(targets.every(({ guest: one, memory }) => touchable(one) && memory >= preferred(one))).toBe(true)
      }),
    )
  })
})

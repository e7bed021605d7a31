import { expect, it } from 'vitest'
import { parseGuestStats } from './memory-stats.ts'

const mib = 1 << 20
const stats = {
  'stat-total-memory': 100 * mib,
  'stat-free-memory': 40 * mib,
  'stat-available-memory': 60 * mib,
  'stat-swap-in': 0,
  'stat-swap-out': 1023,
  'stat-htlb-pgalloc': 7,
}

it('takes what a guest has reported', () => {
  expect(parseGuestStats({ stats, 'last-update': 1_800_000_000 })).toEqual({
    available: 102_400,
    unused: 40_960,
    usable: 61_440,
    swapIn: 0,
    swapOut: 0,
    lastUpdate: 1_800_000_000,
  })
})

it('leaves out what is unknown', () => {
  const unknown = JSON.parse(
    '{"stats":{"stat-total-memory":18446744073709551615,"stat-free-memory":-1},"last-update":0}',
  )
  expect(parseGuestStats(unknown)).toEqual({})
})

it.each([null, 1, [], {}, { stats: [] }, { stats: { 'stat-total-memory': '1' } }])('finds nothing in %j', (value) => {
  expect(parseGuestStats(value)).toEqual({})
})

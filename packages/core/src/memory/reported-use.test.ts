import { expect, it } from 'vitest'
import { reportedUse } from './reported-use.ts'

const now = 1_800_000_000
const report = { available: 900, usable: 300, unused: 100, lastUpdate: now - 2 }
/** 2^64 - 1 as JSON is read, and what is left of it in KiB. */
const unknown = 18446744073709552000

const cases: readonly [string, Readonly<Record<string, number | undefined>>, number | undefined][] = [
  ['all but what it could give away', report, 600],
  ['caches counted as used, when it does not know better', { ...report, usable: undefined }, 800],
  ['nothing used', { ...report, usable: 900 }, 0],
  ['no report', {}, undefined],
  ['never reported', { ...report, lastUpdate: undefined }, undefined],
  ['never reported, as a number', { ...report, lastUpdate: 0 }, undefined],
  ['an old report', { ...report, lastUpdate: now - 31 }, undefined],
  ['a clock that was set back', { ...report, lastUpdate: now + 3600 }, undefined],
  ['unknown total', { ...report, available: unknown }, undefined],
  ['unknown total in KiB', { ...report, available: unknown / 1024 }, undefined],
  ['unknown rest', { ...report, usable: unknown / 1024 }, undefined],
  ['more to give than there is', { ...report, usable: 901 }, undefined],
  ['less than nothing', { ...report, usable: -1 }, undefined],
  ['parts of a KiB', { ...report, usable: 0.5 }, undefined],
]

it.each(cases)('%s', (_case, stats, used) => {
  const known = Object.fromEntries(
    Object.entries(stats).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  expect(reportedUse({ actual: 1000, ...known }, now)).toBe(used)
})

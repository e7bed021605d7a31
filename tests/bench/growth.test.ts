import { describe, expect, it } from 'vitest'
import { growthRows } from './growth.ts'
import type { Row } from './report.ts'

function row(domains: number, value: number, limit: number): Row {
  return { suite: 'reads', name: 'call', domains, clients: 1, value, unit: 'ms', limit: { name: 'echo', value: limit } }
}

describe('growth', () => {
  it('compares the most domains with the fewest, each in units of the limit', () => {
    expect(growthRows([row(1000, 7, 2), row(5000, 3, 1), row(10, 2, 2)])).toMatchObject([
      { suite: 'growth', name: 'call', domains: 5000, value: 3, unit: '×' },
    ])
  })

  it('says nothing about a single number of domains', () => {
    expect(growthRows([row(10, 1, 1)])).toEqual([])
  })
})

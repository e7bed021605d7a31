import { allCalls, callNames } from '@cloister/admin-protocol'
import { describe, expect, it } from 'vitest'
import { handlers } from './index.ts'

describe('the table of handlers', () => {
  it('has one for every row of the table of calls', () => {
    expect(allCalls.filter((row) => !handlers.has(row)).map(({ key }) => key)).toEqual([])
    expect(handlers.size).toBe(allCalls.length)
  })

  it('serves both dialects', () => {
    expect(callNames.filter((name) => name.startsWith('mgmt.')).length).toBeGreaterThan(60)
    expect(callNames.filter((name) => name.startsWith('admin.')).length).toBeGreaterThan(60)
  })
})

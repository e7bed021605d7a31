import { describe, expect, it } from 'vitest'
import { mapBounded } from './bounded.ts'

describe('mapBounded', () => {
  it('keeps the order, and to the limit', async () => {
    let now = 0
    let most = 0
    const results = await mapBounded([3, 1, 2, 5, 4], 2, async (item) => {
      most = Math.max(most, ++now)
      for (let turn = 0; turn < item; turn++) await Promise.resolve()
      now -= 1
      return item * 10
    })
    expect(results).toEqual([30, 10, 20, 50, 40])
    expect(most).toBe(2)
  })

  it('begins nothing more after a failure', async () => {
    const begun: number[] = []
    const work = mapBounded([1, 2, 3, 4], 1, async (item) => {
      begun.push(item)
      if (item === 2) throw new Error('two')
      return item
    })
    await expect(work).rejects.toThrow('two')
    expect(begun).toEqual([1, 2])
  })
})

import { describe, expect, it } from 'vitest'
import { describeTransfer } from './transfer-progress.ts'

const gib = 1n << 30n

describe('describeTransfer', () => {
  it('tells how much, how quickly and how long still', () => {
    expect(describeTransfer({ done: gib, total: 4n * gib, rate: 100 * 2 ** 20 })).toBe(
      '25 %  1.0 GiB of 4.0 GiB  100.0 MiB/s  0:31 left',
    )
  })

  it('says nothing of an end that is not known', () => {
    expect(describeTransfer({ done: gib, total: undefined, rate: 2 ** 20 })).toBe('1.0 GiB  1.0 MiB/s')
  })

  it('does not guess before anything has moved', () => {
    expect(describeTransfer({ done: 0n, total: gib, rate: 0 })).toBe('0 %  0 B of 1.0 GiB  0 B/s  -:-- left')
  })
})

import { describe, expect, it } from 'vitest'
import { type Load, measureInTurns } from './load.ts'

describe('a load', () => {
  it('is run by the given number of clients at the same time, round after round', async () => {
    const numbers: number[] = []
    let [now, most] = [0, 0]
    const load: Load = {
      name: 'test',
      clients: 3,
      calls: 9,
      call: async (number) => {
        numbers.push(number)
        most = Math.max(most, ++now)
        await new Promise(setImmediate)
        now--
      },
    }
    const [sample] = await measureInTurns([load], { rounds: 2, seconds: 1 })
    expect(sample?.calls).toBe(18)
    expect(most).toBe(3)
    expect(numbers).toEqual(Array.from({ length: 18 }, (_, number) => number))
  })

  it('that fails ends the measurement', async () => {
    const call = () => Promise.reject(new Error('refused'))
    const measured = measureInTurns([{ name: 'test', clients: 2, call }], { rounds: 1, seconds: 1 })
    await expect(measured).rejects.toThrow('refused')
  })
})

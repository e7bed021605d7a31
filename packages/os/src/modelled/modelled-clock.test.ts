import { describe, expect, it } from 'vitest'
import { ModelledClock } from './modelled-clock.ts'

describe('a modelled clock', () => {
  it('moves only when it is moved, and wakes in order', async () => {
    const clock = new ModelledClock(1000)
    const woken: string[] = []
    clock.after(20, () => woken.push(`b at ${clock.now()}`))
    clock.after(10, () => {
      woken.push(`a at ${clock.now()}`)
      clock.after(5, () => woken.push(`c at ${clock.now()}`))
    })
    clock.after(15, () => woken.push('never')).cancel()
    clock.advance(9)
    expect(woken).toEqual([])
    clock.advance(11)
    expect(woken).toEqual(['a at 1010', 'c at 1015', 'b at 1020'])
    expect([clock.now(), clock.monotonic()]).toEqual([1020, 20])
  })

  it('ends a sleep in time, or when it is called off', async () => {
    const clock = new ModelledClock()
    const slept = clock.sleep(10)
    clock.advance(10)
    await slept
    const { signal, abort } = aborting()
    const sleeping = clock.sleep(10, signal)
    abort()
    await expect(sleeping).rejects.toThrow('called off')
    await expect(clock.sleep(10, signal)).rejects.toThrow('called off')
  })
})

function aborting() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort(new Error('called off')) }
}

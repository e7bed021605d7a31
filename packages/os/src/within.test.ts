import { describe, expect, it } from 'vitest'
import { ModelledClock } from './modelled/modelled-clock.ts'
import { TooLateError, within } from './within.ts'

describe('a wait with a limit', () => {
  const never = new Promise<never>(() => {})

  it('gives what the promise gives, and leaves no timer', async () => {
    const clock = new ModelledClock()
    let late = false
    const onLate = (): Error => {
      late = true
      return new Error('late')
    }
    const wait = { clock, ms: 10, what: 'x', onLate }
    expect(await within(wait, Promise.resolve(3))).toBe(3)
    await expect(within(wait, Promise.reject(new Error('no')))).rejects.toThrow('no')
    clock.advance(100)
    expect(late).toBe(false)
  })

  it('says what did not happen, or what the caller says', async () => {
    const clock = new ModelledClock()
    const waits = Promise.allSettled([
      within({ clock, ms: 1500, what: 'the end of work' }, never),
      within({ clock, ms: 1500, what: 'x', onLate: () => new RangeError('own') }, never),
    ])
    clock.advance(1500)
    const [plain, own] = (await waits).map((wait) => (wait.status === 'rejected' ? wait.reason : undefined))
    expect(plain).toBeInstanceOf(TooLateError)
    expect(plain.message).toBe('the end of work did not happen within 1.5 s')
    expect(own).toBeInstanceOf(RangeError)
  })

  it('ends early with the reason of a signal', async () => {
    const clock = new ModelledClock()
    const controller = new AbortController()
    const wait = within({ clock, ms: 10, what: 'x', signal: controller.signal }, never)
    controller.abort(new Error('called off'))
    await expect(wait).rejects.toThrow('called off')
    const aborted = { clock, ms: 10, what: 'x', signal: controller.signal }
    await expect(within(aborted, never)).rejects.toThrow('called off')
  })
})

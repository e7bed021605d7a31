import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NodeClock } from './node-clock.ts'

describe('a timer of the machine', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it.each([0, 1, 2 ** 31 - 1, 2 ** 31, 2_147_484_000, 10 * 2 ** 31, Number.MAX_SAFE_INTEGER])(
    'that is set to %i ms does not fire before its time',
    (ms) => {
      const work = vi.fn()
      new NodeClock().after(ms, work)
      for (let left = ms - 1; left > 0 && ms < 2 ** 40; left -= 2 ** 30) vi.advanceTimersByTime(Math.min(left, 2 ** 30))
      expect(work).not.toHaveBeenCalled()
      if (ms >= 2 ** 40) return
      vi.advanceTimersByTime(1)
      expect(work).toHaveBeenCalledOnce()
    },
  )

  it('can be called off in any of its steps', () => {
    const work = vi.fn()
    const timer = new NodeClock().after(2 ** 33, work)
    vi.advanceTimersByTime(2 ** 32)
    timer.cancel()
    vi.advanceTimersByTime(2 ** 34)
    expect(work).not.toHaveBeenCalled()
  })

  it('lets a sleep last as long as it was asked to', async () => {
    const controller = new AbortController()
    let over = false
    const slept = new NodeClock().sleep(2 ** 32, controller.signal).then(
      () => 'slept',
      (error) => String(error),
    )
    void slept.then(() => (over = true))
    await vi.advanceTimersByTimeAsync(2 ** 31 + 10)
    expect(over).toBe(false)
    controller.abort('called off')
    expect(await slept).toBe('called off')
    await expect(new NodeClock().sleep(5, AbortSignal.abort('before'))).rejects.toBe('before')
  })
})

it('keeps the process alive during a sleep, but not for what is to happen after a while', async () => {
  const clock = join(import.meta.dirname, 'node-clock.ts')
  const program = `import { NodeClock } from ${JSON.stringify(clock)}
    new NodeClock().after(60_000, () => {})
    await new NodeClock().sleep(10)
    console.log('slept')`
  const args = ['--conditions=@cloister/source', '--input-type=module', '--eval', program]
  expect((await promisify(execFile)(process.execPath, args)).stdout).toBe('slept\n')
})

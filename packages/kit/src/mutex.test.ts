import { describe, expect, it } from 'vitest'
import { Mutex, Semaphore } from './mutex.ts'

describe('Mutex', () => {
  it('runs one task at a time, in the order of the calls, also after a task has failed', async () => {
    const mutex = new Mutex()
    const order: string[] = []
    const gate = Promise.withResolvers<void>()
    const first = mutex.run(async () => {
      order.push('first in')
      await gate.promise
      order.push('first out')
      throw new Error('failed')
    })
    const second = mutex.run(() => order.push('second'))
    expect(mutex.busy).toBe(true)
    gate.resolve()
    await expect(first).rejects.toThrow('failed')
    await second
    expect(order).toEqual(['first in', 'first out', 'second'])
    expect(mutex.busy).toBe(false)
  })
})

describe('Semaphore', () => {
  it('lets so many in and no more', async () => {
    const semaphore = new Semaphore(2)
    let inside = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 10 }, () =>
        semaphore.run(async () => {
          most = Math.max(most, ++inside)
          await Promise.resolve()
          inside--
        }),
      ),
    )
    expect(most).toBe(2)
  })
})

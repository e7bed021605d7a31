import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { uidCount } from '../qemu-settings.ts'
import { UserIds } from './user-ids.ts'

describe('UserIds', () => {
  it('never gives an id to two', () => {
    const action = fc.oneof(fc.constant('take' as const), fc.nat(50), fc.record({ reserve: fc.nat(50) }))
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        const ids = new UserIds(1000)
        const taken: number[] = []
        for (const one of actions) {
          if (one === 'take') taken.push(ids.take())
          else if (typeof one === 'number') for (const id of taken.splice(one, 1)) ids.release(id)
          else if (!taken.includes(1000 + one.reserve)) {
            ids.reserve(1000 + one.reserve)
            taken.push(1000 + one.reserve)
          }
        }
        expect(new Set(taken).size).toBe(taken.length)
      }),
    )
  })

  it('uses one again as late as possible, and says when there are none', () => {
    const ids = new UserIds(1000)
    ids.release(ids.take())
    expect(ids.take()).toBe(1001)
    for (let at = 2; at < uidCount + 1; at++) ids.take()
    expect(() => ids.take()).toThrow('65536 user ids')
  })
})

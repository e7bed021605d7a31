import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapeByte, scanTyped } from './escape-scanner.ts'

describe('scanTyped', () => {
  it('keeps the bytes before the key that leaves, and none after it', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (typed) => {
        const { bytes, leaves } = scanTyped(typed)
        const at = typed.indexOf(escapeByte)
        expect(leaves).toBe(at >= 0)
        expect(bytes).toEqual(at < 0 ? typed : typed.slice(0, at))
      }),
    )
  })
})

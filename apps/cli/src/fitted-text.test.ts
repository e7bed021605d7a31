import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitted, widthOf } from './fitted-text.ts'

describe('fitted', () => {
  it('cuts with an ellipsis, and only what is too long', () => {
    expect(fitted('domain', 6)).toBe('domain')
    expect(fitted('domains', 6)).toBe('domai…')
  })

  it('never takes more than it may', () => {
    const cases = [fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 })] as const
    fc.assert(fc.property(...cases, (text, width) => widthOf(fitted(text, width)) <= width))
  })
})

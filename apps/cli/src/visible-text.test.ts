import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitted, visible, visibleLines, widthOf } from './visible-text.ts'

describe('visible', () => {
  it('shows what would drive a terminal', () => {
    expect(visible('a\x1b[31mb\n\tc\x07\x9b\u202ed')).toBe('a\\x1b[31mb\\n\\tc\\x07\\x9b\\u{202e}d')
    expect(visible('plain text, ünïcode and 日本')).toBe('plain text, ünïcode and 日本')
  })

  it('leaves nothing that a terminal or a reader could mistake', () => {
    const any = fc.string({ unit: 'binary' })
    fc.assert(fc.property(any, (text) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(visible(text))))
    fc.assert(fc.property(any, (text) => !/[^\n\t\P{Cc}]/u.test(visibleLines(text))))
  })
})

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

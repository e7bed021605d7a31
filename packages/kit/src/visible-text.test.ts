import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { visibleLines, visibleText } from './visible-text.ts'

describe('visibleText', () => {
  it('escapes what would drive a terminal or hide from a reader', () => {
    expect(visibleText('a\x1b[31mb\n\tc\x07\x9b\u202ed')).toBe('a\\x1b[31mb\\n\\tc\\x07\\x9b\\u{202e}d')
    expect(visibleText('plain text, ünïcode and 日本')).toBe('plain text, ünïcode and 日本')
  })

  it('leaves no control, format, separator or surrogate character, and changes no text twice', () => {
    const any = fc.string({ unit: 'binary' })
    fc.assert(fc.property(any, (text) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(visibleText(text))))
    fc.assert(fc.property(any, (text) => visibleText(visibleText(text)) === visibleText(text)))
    fc.assert(fc.property(any, (text) => !/[^\n\t\P{Cc}]/u.test(visibleLines(text))))
  })
})

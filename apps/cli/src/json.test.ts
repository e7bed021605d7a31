import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatJson } from './json.ts'

describe('formatJson', () => {
  it('means the same to a program, and nothing to a terminal', () => {
    const hostile = { name: 'a\x1b[2J\x7f\x9b31m\u202e\u2028\u{e0041}b', lines: ['a\nb'] }
    const text = formatJson(hostile, 2)
    expect(JSON.parse(text)).toEqual(hostile)
    expect(text).toContain('a\\u001b[2J\\u007f\\u009b31m\\u202e\\u2028\\udb40\\udc41b')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(JSON.parse(formatJson({ value }))).toEqual({ value })
        expect(formatJson({ value })).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      }),
    )
  })

  it('writes counts that are not safe as numbers as texts', () => {
    expect(formatJson([1n, 2n ** 60n])).toBe('[1,"1152921504606846976"]')
  })
})

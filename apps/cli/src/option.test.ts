import { describe, expect, it } from 'vitest'
import { UsageError } from './cli-error.ts'
import { choice, flag, pairs, parsed, text, texts, words } from './option.ts'

describe('options', () => {
  it('read what was given', () => {
    expect(flag('x').read([], '--x')).toBe(false)
    expect(flag('x').read([''], '--x')).toBe(true)
    expect(text('T', 'x').read(['a', 'b'], '--x')).toBe('b')
    expect(texts('T', 'x').read(['a', 'b'], '--x')).toEqual(['a', 'b'])
    expect(words('T', 'x').read(['a,b', ',c,'], '--x')).toEqual(['a', 'b', 'c'])
    expect(choice('T', 'x', ['a', 'b']).read(['a'], '--x')).toBe('a')
    expect(pairs('K=V', 'x').read(['a=1', 'b=c=d', 'e='], '--x')).toEqual(
      new Map([
        ['a', '1'],
        ['b', 'c=d'],
        ['e', ''],
      ]),
    )
  })

  it('are undefined or empty when nothing was given', () => {
    expect(text('T', 'x').read([], '--x')).toBeUndefined()
    expect(choice('T', 'x', ['a']).read([], '--x')).toBeUndefined()
    expect(words('T', 'x').read([], '--x')).toEqual([])
  })

  it('name themselves when they refuse', () => {
    const number = parsed('N', 'x', (given) => (/^\d+$/.test(given) ? Number(given) : undefined), 'a number')
    expect(() => number.read(['many'], '--count')).toThrow(new UsageError('--count takes a number, not "many"'))
    expect(() => choice('T', 'x', ['a', 'b']).read(['c'], '--x')).toThrow('--x takes a or b, not "c"')
    expect(() => pairs('K=V', 'x').read(['novalue'], '--prop')).toThrow('--prop takes K=V, not "novalue"')
    expect(() => pairs('K=V', 'x').read(['=v'], '--prop')).toThrow(UsageError)
    expect(() => pairs('K=V', 'x').read(['a=1', 'a=2'], '--prop')).toThrow('--prop is given twice for a')
  })
})

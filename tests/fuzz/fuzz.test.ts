import { QubesValueError, utf8 } from '@cloister/kit'
import { describe, expect, it } from 'vitest'
import { allParsers } from './all-parsers.ts'
import { fuzz } from './fuzz.ts'
import { textParser } from './fuzzed-parser.ts'
import { longestInput, mutate } from './mutate.ts'
import { Random } from './random.ts'

/** Few inputs each: `npm run fuzz` is the long run. */
const inputs = 200
const seed = 1

describe('every parser of what comes from outside', () => {
  it.each(allParsers)('$name: typed errors only, in linear time', async (parser) => {
    expect(await fuzz(parser, { inputs, seed })).toEqual([])
  })

  it('has a name of its own', () => {
    const names = allParsers.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('the fuzzer', () => {
  const options = { inputs: 3000, seed, most: 1 }

  it('finds an error that is not typed', async () => {
    const parser = textParser('a', ['abc'], (text) => {
      if (text.includes('=')) throw new RangeError('untyped')
      throw new QubesValueError('typed')
    })
    expect((await fuzz(parser, options))[0]?.what).toMatch(/^throws RangeError: untyped/)
  })

  it('finds a parser that takes the square of the time', async () => {
    const parser = textParser('a', ['a,b'], (text) => {
      let left = text.length ** 2 / 32
      while (left > 0) left--
    })
    expect((await fuzz(parser, options))[0]?.what).toMatch(/^takes .* ms for \d+ bytes/)
  })

  it('finds a parser that allocates without measure', async () => {
    const parser = textParser('a', ['a'], (text) => text !== 'a' && Buffer.allocUnsafe(100 << 20))
    expect((await fuzz(parser, options))[0]?.what).toMatch(/^allocates/)
  })

  it('makes the same inputs from the same seed, short and long ones', () => {
    const make = (): Uint8Array[] => {
      const random = new Random(seed)
      return Array.from({ length: 1000 }, () => mutate([utf8('seed one'), utf8('two')], random))
    }
    const made = make()
    expect(made).toEqual(make())
    expect(made.every(({ length }) => length <= longestInput)).toBe(true)
    expect(made.some(({ length }) => length > longestInput / 4)).toBe(true)
  })
})

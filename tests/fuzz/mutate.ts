import type { Random } from './random.ts'

/** Longest input, bytes. */
export const longestInput = 65_535

/** Texts that parsers tend to treat in a way of their own. */
const words: readonly Uint8Array[] = [
  ...['', '0', '-1', '1', '9007199254740993', '18446744073709551616', '1e999', 'NaN', '0x10', ' 1 ', '１'],
  ...[
    '\0',
    '\n',
    '\r\n',
    '\t',
    ' ',
    '=',
    ':',
    ',',
    '/',
    '../',
    '%s',
    '%',
    '"',
    "'",
    '\\',
    '<',
    '>',
    '&',
    '&#0;',
    ']]>',
  ],
  ...['True', 'yes', 'none', '__proto__', 'constructor', 'toString', '{}', '[]', 'null', '{"a":', '[[[[[[[['],
  ...['<!DOCTYPE a>', '<a>', '</a>', '<![CDATA[', '\u202e', '\u0000\u0001', '\u{1f600}', '\ufeff', 'é'],
].map((text) => new TextEncoder().encode(text))

/** Bytes that are not UTF-8, and numbers at the edges of their types. */
const bytes: readonly Uint8Array[] = [
  [0xff],
  [0xc3, 0x28],
  [0xed, 0xa0, 0x80],
  [0x7f, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x80, 0, 0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 1, 0, 0],
].map((one) => Uint8Array.from(one))

type Mutation = (input: Uint8Array, random: Random, other: Uint8Array) => Uint8Array

/** A part of an input in the place of another part. */
function replace(input: Uint8Array, from: number, to: number, part: Uint8Array): Uint8Array {
  const result = new Uint8Array(from + part.length + input.length - to)
  result.set(input.subarray(0, from))
  result.set(part, from)
  result.set(input.subarray(to), from + part.length)
  return result
}

/** Where a part of the input begins and ends. */
function range(input: Uint8Array, random: Random): readonly [from: number, to: number] {
  const from = random.below(input.length + 1)
  return [from, from + random.below(Math.min(input.length - from, 32) + 1)]
}

const mutations: readonly Mutation[] = [
  // One bit, or one byte.
  (input, random) => {
    const changed = input.slice()
    const at = random.below(Math.max(1, input.length))
    if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8))
    return changed
  },
  (input, random) => {
    const changed = input.slice()
    const at = random.below(Math.max(1, input.length))
    if (at < changed.length) changed[at] = random.below(256)
    return changed
  },
  // The end is missing, or a part.
  (input, random) => input.slice(0, random.below(input.length + 1)),
  (input, random) => replace(input, ...range(input, random), new Uint8Array()),
  // A word more, or in place of a part.
  (input, random) => {
    const at = random.below(input.length + 1)
    return replace(input, at, at, random.pick(words))
  },
  (input, random) => replace(input, ...range(input, random), random.pick(words)),
  (input, random) => {
    const at = random.below(input.length + 1)
    return replace(input, at, Math.min(input.length, at + 4), random.pick(bytes))
  },
  // A part twice, or a part of another input.
  (input, random) => {
    const [from, to] = range(input, random)
    return replace(input, to, to, input.subarray(from, to))
  },
  (input, random, other) => replace(input, ...range(input, random), other.subarray(...range(other, random))),
]

/** A part of an input, or a word, over and over, up to the longest input. */
function grow(input: Uint8Array, random: Random): Uint8Array {
  const [from, to] = range(input, random)
  const part = random.below(2) === 0 || from === to ? random.pick(words) : input.slice(from, to)
  if (part.length === 0) return input
  const room = longestInput - input.length
  const times = Math.floor((1 + random.below(room)) / part.length)
  const long = new Uint8Array(times * part.length)
  for (let at = 0; at < long.length; at += part.length) long.set(part, at)
  return replace(input, to, to, long)
}

/** One input in so many is a long one. */
const longOnes = 64

/** A new input: one of the seeds, changed up to eight times; now and then a very long one. */
export function mutate(seeds: readonly Uint8Array[], random: Random): Uint8Array {
  let input = random.pick(seeds)
  for (let left = random.below(8); left >= 0; left--) input = random.pick(mutations)(input, random, random.pick(seeds))
  if (random.below(longOnes) === 0 && input.length < longestInput) input = grow(input, random)
  return input.subarray(0, longestInput)
}

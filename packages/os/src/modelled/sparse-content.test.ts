import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SparseContent } from './sparse-content.ts'

const limit = 20_000

type Change = { readonly at: number; readonly bytes: Uint8Array } | { readonly size: number }

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ at: fc.nat(limit), bytes: fc.uint8Array({ maxLength: 6000 }) }),
  fc.record({ size: fc.nat(limit) }),
)

function apply(content: SparseContent, step: Change): void {
  if ('size' in step) content.truncate(BigInt(step.size))
  else content.write(step.bytes, BigInt(step.at))
}

/** The same on an ordinary array. */
function applyPlainly(bytes: Uint8Array, step: Change): Uint8Array {
  const size = 'size' in step ? step.size : Math.max(bytes.length, step.at + step.bytes.length)
  const next = new Uint8Array(size)
  next.set(bytes.subarray(0, size))
  if ('bytes' in step) next.set(step.bytes, step.at)
  return next
}

describe('sparse content', () => {
  it('reads like an array that was changed in the same way', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), fc.nat(limit), (changes, from) => {
        const content = new SparseContent()
        let plain = new Uint8Array()
        for (const step of changes) {
          apply(content, step)
          plain = Uint8Array.from(applyPlainly(plain, step))
        }
        expect(content.size).toBe(BigInt(plain.length))
        expect(content.read(0n, 2 * limit)).toEqual(plain)
        expect(content.read(BigInt(from), 5000)).toEqual(plain.slice(from, from + 5000))
        expect(content.cloneSparse().read(0n, 2 * limit)).toEqual(plain)
      }),
    )
  })

  it('is not changed through a copy', () => {
    fc.assert(
      fc.property(change, change, (first, second) => {
        const content = new SparseContent()
        apply(content, first)
        const before = content.read(0n, 2 * limit)
        apply(content.clone(), second)
        expect(content.read(0n, 2 * limit)).toEqual(before)
      }),
    )
  })

  it('takes space for what was written only', () => {
    const content = new SparseContent(1n << 40n)
    expect(content.allocated).toBe(0n)
    content.write(new Uint8Array(1), 1n << 39n)
    expect(content.allocated).toBe(4096n)
    expect(content.cloneSparse().allocated).toBe(0n)
  })
})

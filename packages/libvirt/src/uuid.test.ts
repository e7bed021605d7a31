import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseUuid, randomUuid } from './uuid.ts'

describe('uuid', () => {
  it('is made at random, as version 4', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const uuid = randomUuid(() => bytes)
        expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(parseUuid(uuid.toUpperCase().replaceAll('-', ''))).toBe(uuid)
      }),
    )
  })

  it.each(['', 'x', '0'.repeat(31), '0'.repeat(33), '00000000-00000000-0000-0000-00000000'])('is not %j', (text) => {
    expect(parseUuid(text)).toBeUndefined()
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeChanges } from './merge-changes.ts'
import { put, remove } from './row-change.ts'
import { tableNames } from './tables.ts'
import { anyChange } from './testing/changes.ts'
import { RowModel } from './testing/row-model.ts'

describe('mergeChanges', () => {
  it('leads to the same rows as all changes in their order', () => {
    const parts = fc.array(fc.array(anyChange, { maxLength: 8 }), { maxLength: 8 })
    fc.assert(
      fc.property(parts, (batch) => {
        const [plain, merged] = [new RowModel(), new RowModel()]
        plain.apply(batch.flat())
        merged.apply(mergeChanges(batch))
        for (const table of tableNames) expect(merged.rows(table)).toEqual(plain.rows(table))
      }),
      { numRuns: 1000 },
    )
  })

  it('writes a row once, as it was last', () => {
    const batch = [
      [put('properties', [1, 'label'], ['red']), put('tags', [1, 'a'], [])],
      [put('properties', [1, 'label'], ['blue'])],
    ]
    expect(mergeChanges(batch)).toEqual([put('properties', [1, 'label'], ['blue']), put('tags', [1, 'a'], [])])
  })

  it('lets nothing pass the removal of many rows', () => {
    const batch = [[put('tags', [1, 'a'], []), remove('tags', [1]), put('tags', [1, 'a'], [])]]
    expect(mergeChanges(batch)).toEqual(batch.flat())
  })
})

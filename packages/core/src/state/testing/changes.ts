import fc from 'fast-check'
import { put, type RowChange, remove } from '../row-change.ts'

const qid = fc.integer({ min: 0, max: 3 })
const name = fc.constantFrom('a', 'b', '["', '1,"')
const text = fc.string({ unit: 'grapheme', maxLength: 12 })

/** Random changes of few tables and few keys, so that different changes meet the same row. */
export const anyChange: fc.Arbitrary<RowChange> = fc.oneof(
  fc.tuple(qid, name, fc.option(text)).map(([q, n, value]) => put('properties', [q, n], [value])),
  fc.tuple(qid, name, text).map(([q, n, value]) => put('features', [q, n], [q, value])),
  fc.tuple(qid, name).map(([q, tag]) => put('tags', [q, tag], [])),
  fc.tuple(qid, name, name, name).map(([q, c, b, p]) => put('devices', [q, c, b, p, '*'], ['required', '{}'])),
  qid.map((q) => put('domains', [q], ['AppVM'])),
  qid.map((q) => remove('domains', [q])),
  qid.map((q) => remove('properties', [q])),
  fc.tuple(qid, name).map(([q, n]) => remove('properties', [q, n])),
  qid.map((q) => remove('tags', [q])),
  fc.tuple(qid, name, name).map(([q, c, b]) => remove('devices', [q, c, b])),
)

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { paint } from './colour.ts'
import { formatTable } from './table.ts'

const columns = [{ title: 'NAME' }, { title: 'SIZE', align: 'right' }, { title: 'POOL' }] as const
const plain = { header: true, colour: false } as const

function rows(texts: readonly (readonly string[])[]): { text: string }[][] {
  return texts.map((row) => row.map((text) => ({ text })))
}

describe('formatTable', () => {
  it('lines columns up, numbers to the right, without space at the end', () => {
    const cells = rows([
      ['work', '2.0 GiB', 'varlibqubes'],
      ['a-long-name', '10 B', ''],
    ])
    expect(formatTable(columns, cells, plain)).toEqual([
      'NAME            SIZE  POOL',
      'work         2.0 GiB  varlibqubes',
      'a-long-name     10 B',
    ])
  })

  it('cuts the widest columns first, for a terminal', () => {
    const cells = rows([['work', '1 B', 'x'.repeat(40)]])
    const [, line = ''] = formatTable(columns, cells, { ...plain, width: 30 })
    expect(line).toBe(`work   1 B  ${'x'.repeat(17)}…`)
    expect(line).toHaveLength(30)
  })

  it('leaves numbers whole, and gives up below what can be read', () => {
    const cells = rows([['a-long-name', '1234567.0 GiB', 'varlibqubes']])
    const [, line = ''] = formatTable(columns, cells, { ...plain, width: 10 })
    expect(line).toBe('a-lon…  1234567.0 GiB  varli…')
  })

  it('paints what it cut, and pads without paint', () => {
    const cells = [[{ text: 'Running', paint: (text: string) => paint('green', text) }, { text: '1' }, { text: 'p' }]]
    expect(formatTable(columns, cells, { header: false, colour: true })).toEqual(['\x1b[32mRunning\x1b[0m  1  p'])
  })

  it('keeps each row on one line whatever is in it, all columns at the same place', () => {
    const word = fc.string({ unit: 'binary', maxLength: 20 })
    const table = fc.array(fc.tuple(word, word, fc.constant('end')), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(table, (texts) => {
        const lines = formatTable(columns, rows(texts), plain)
        expect(lines).toHaveLength(texts.length + 1)
        const places = lines.slice(1).map((line) => [...line].length)
        expect(new Set(places).size).toBe(1)
        expect(lines.join('')).not.toMatch(/[\p{Cc}]/u)
      }),
    )
  })
})

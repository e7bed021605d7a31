import { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UsageError } from './cli-error.ts'
import { chooseColumns, type ListColumn, type ListFormat, printList } from './list-output.ts'
import { Output } from './output.ts'

interface Row {
  readonly name: string
  readonly size: bigint | null
  readonly tags: readonly string[]
}

const columns: readonly ListColumn<Row>[] = [
  { key: 'name', value: ({ name }) => name },
  { key: 'size', value: ({ size }) => size },
  { key: 'tags', value: ({ tags }) => tags },
]

function printed(rows: readonly Row[], format: ListFormat, noHeader = false): string {
  let text = ''
  const stream = new Writable({
    write(chunk, _, done) {
      text += chunk
      done()
    },
  })
  const output = new Output({
    stdout: stream,
    stderr: stream,
    colour: 'never',
    environment: {},
    json: false,
    quiet: false,
  })
  printList(output, columns, rows, { format, noHeader })
  return text
}

/** A plain reader of CSV, to read back what was written. */
function parseCsv(text: string): string[][] {
  const field = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n)/gy
  const rows: string[][] = [[]]
  for (const [, value = '', end] of text.matchAll(field)) {
    rows.at(-1)?.push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value)
    if (end !== ',') rows.push([])
  }
  return rows.slice(0, -1)
}

const rows: readonly Row[] = [
  { name: 'work', size: 1n << 40n, tags: ['a', 'b'] },
  { name: 'say "hi", you', size: null, tags: [] },
]

describe('printList', () => {
  it('prints a table', () => {
    expect(printed(rows, 'table')).toBe(
      'NAME           SIZE           TAGS\nwork           1099511627776  a b\nsay "hi", you  -              -\n',
    )
    expect(printed(rows, 'table', true)).not.toContain('NAME')
  })

  it('prints JSON with numbers, lists and nulls', () => {
    expect(JSON.parse(printed(rows, 'json'))).toEqual([
      { name: 'work', size: 1099511627776, tags: ['a', 'b'] },
      { name: 'say "hi", you', size: null, tags: [] },
    ])
  })

  it('prints CSV that can be read again, whatever is in it', () => {
    expect(printed(rows, 'csv')).toBe('name,size,tags\nwork,1099511627776,a b\n"say ""hi"", you",,\n')
    const text = fc.string({ unit: 'grapheme' })
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), (names) => {
        const content = printed(
          names.map((name) => ({ name, size: 0n, tags: [] })),
          'csv',
          true,
        )
        expect(parseCsv(content)).toEqual(names.map((name) => [name, '0', '']))
      }),
    )
  })

  it('has the columns that were asked for', () => {
    expect(chooseColumns(columns, ['SIZE', 'name']).map(({ key }) => key)).toEqual(['size', 'name'])
    expect(() => chooseColumns(columns, ['colour'])).toThrow(UsageError)
  })
})

import { visibleText } from '@cloister/kit'
import { paint } from './colour.ts'
import type { Json } from './json.ts'
import type { Output } from './output.ts'
import { formatSize } from './sizes.ts'

function textOf(value: Json, isSize: boolean): string {
  if (value === null || value === '') return '-'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (isSize && (typeof value === 'bigint' || typeof value === 'number')) return `${formatSize(value)} (${value})`
  return visibleText(Array.isArray(value) ? value.map(String).join(' ') || '-' : String(value))
}

/** Prints an object, one key a line, or as JSON; the values of the keys in `sizes` are bytes. */
export function printRecord(
  output: Output,
  record: Readonly<Record<string, Json>>,
  sizes: ReadonlySet<string> = new Set(),
): void {
  if (output.isJson) {
    output.json(record)
    return
  }
  const width = Math.max(...Object.keys(record).map((key) => key.length))
  for (const [key, value] of Object.entries(record)) {
    const name = key.padEnd(width)
    output.paintedLine(`${output.colour ? paint('bold', name) : name}  ${textOf(value, sizes.has(key))}`)
  }
}

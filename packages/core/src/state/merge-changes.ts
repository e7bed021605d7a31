import type { RowChange } from './row-change.ts'
import { tables } from './tables.ts'

/**
 * One list out of many, in order, in which a row that is changed several times is written once. Changes of different rows may
 * pass each other; the removal of several rows at once stays where it is, and nothing passes it.
 */
export function mergeChanges(parts: Iterable<readonly RowChange[]>): RowChange[] {
  const merged: RowChange[] = []
  const places = new Map<string, number>()
  for (const part of parts) {
    for (const change of part) {
      if (!isOneRow(change)) places.clear()
      const row = `${change.table}${JSON.stringify(change.key)}`
      const place = places.get(row) ?? merged.length
      merged[place] = change
      places.set(row, place)
    }
  }
  return merged
}

function isOneRow(change: RowChange): boolean {
  return change.key.length === tables[change.table].key.length
}

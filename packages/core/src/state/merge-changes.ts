import type { RowChange } from './row-change.ts'
import { tables } from './tables.ts'

/**
 * Joins lists of changes into one, in which a row that is changed several times is written once, as it was last. Changes of
 * different rows may change their order, but no change moves across the removal of several rows at once.
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

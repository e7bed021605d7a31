const gap = '  '

/** The lines of a table with aligned columns; the columns in `rightAligned` are aligned at their right side. */
export function formatTable(rows: readonly (readonly string[])[], rightAligned: ReadonlySet<number>): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return rightAligned.has(column) ? cell.padStart(width) : cell.padEnd(width)
      })
      .join(gap)
      .trimEnd()
  return rows.map(line).join('\n')
}

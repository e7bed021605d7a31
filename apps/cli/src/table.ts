import { visibleText } from '@cloister/kit'
import type { Paint } from './colour.ts'
import { fitted, widthOf } from './fitted-text.ts'

/** One field of a table. */
export interface Cell {
  readonly text: string
  readonly paint?: Paint
}

/** How a column is shown. */
export interface TableColumn {
  readonly title: string
  readonly align?: 'left' | 'right'
}

export interface TableOptions {
  readonly header: boolean
  readonly colour: boolean
  /** Columns of the terminal; the text is cut to them. Unlimited when not given. */
  readonly width?: number
  /** How the header is shown. */
  readonly paintHeader?: Paint
}

const gap = '  '
/** No column becomes narrower than this. */
const leastWidth = 6

/** Widths whose sum fits: the widest columns of text are cut first, and columns of numbers never, as a cut number is another number. */
function fitWidths(columns: readonly TableColumn[], widths: readonly number[], limit: number): number[] {
  const fit = [...widths]
  let excess = fit.reduce((sum, width) => sum + width, gap.length * (fit.length - 1)) - limit
  while (excess > 0) {
    const texts = fit.map((width, at) => (columns[at]?.align === 'right' ? 0 : width))
    const widest = Math.max(...texts)
    if (widest <= leastWidth) break
    fit[texts.indexOf(widest)] = widest - 1
    excess -= 1
  }
  return fit
}

function padded(cell: Cell, width: number, isLast: boolean, column: TableColumn, colour: boolean): string {
  const shown = fitted(cell.text, width)
  const space = ' '.repeat(Math.max(width - widthOf(shown), 0))
  const text = colour && cell.paint !== undefined ? cell.paint(shown) : shown
  if (column.align === 'right') return space + text
  return isLast ? text : text + space
}

/** Lines of a table whose columns line up. */
export function formatTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly Cell[])[],
  { header, colour, width, paintHeader }: TableOptions,
): string[] {
  const titles = columns.map(({ title }) => ({ text: title, ...(paintHeader && { paint: paintHeader }) }))
  const body = rows.map((row) => row.map((cell) => ({ ...cell, text: visibleText(cell.text) })))
  const lines: readonly (readonly Cell[])[] = header ? [titles, ...body] : body
  const natural = columns.map((_, at) =>
    lines.reduce((widest, line) => Math.max(widest, widthOf(line[at]?.text ?? '')), 0),
  )
  const widths = width === undefined ? natural : fitWidths(columns, natural, width)
  return lines.map((line) =>
    columns
      .map((column, at) => padded(line[at] ?? { text: '' }, widths[at] ?? 0, at === columns.length - 1, column, colour))
      .join(gap)
      .trimEnd(),
  )
}

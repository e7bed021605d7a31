import { UsageError } from './cli-error.ts'
import { paint } from './colour.ts'
import type { OptionSpec } from './command.ts'
import type { Json } from './json.ts'
import { choice, flag, words } from './option.ts'
import type { Output } from './output.ts'
import { type Cell, formatTable, type TableColumn } from './table.ts'

export type ListFormat = 'table' | 'json' | 'csv'
const formats: readonly ListFormat[] = ['table', 'json', 'csv']

/** A column of a list: the value of a row for programs, and how a table shows it. */
export interface ListColumn<R> extends Partial<TableColumn> {
  /** Key in JSON; in capitals, the title. */
  readonly key: string
  readonly value: (row: R) => Json
  /** How a table shows it, where that is not simply the value. */
  readonly show?: (row: R) => Cell | undefined
}

/** Stands for what could not be read; in JSON and CSV nothing stands there. The reason is on standard error. */
export const unknownCell: Cell = { text: '?', paint: (text) => paint('red', text) }

/** Options that every list has. */
export const listOptions: {
  readonly format: OptionSpec<ListFormat | undefined>
  readonly noHeader: OptionSpec<boolean>
  readonly columns: OptionSpec<readonly string[]>
} = {
  format: choice('FORMAT', 'how to print', formats),
  noHeader: flag('no titles above the columns'),
  columns: words('LIST', 'these columns, with commas between them', { short: 'c' }),
}

/** The values of the options that every list has. */
export interface ListChoices {
  readonly format: ListFormat | undefined
  readonly noHeader: boolean
  readonly columns: readonly string[]
}

/** The columns that were asked for, or all. @throws UsageError when there is none of that name */
export function chooseColumns<R>(columns: readonly ListColumn<R>[], keys: readonly string[]): readonly ListColumn<R>[] {
  if (keys.length === 0) return columns
  return keys.map((key) => {
    const column = columns.find((one) => one.key === key.toLowerCase())
    if (column === undefined) {
      throw new UsageError(`there is no column ${key}`, `the columns are ${columns.map((one) => one.key).join(', ')}`)
    }
    return column
  })
}

function textOf(value: Json): string {
  if (value === null) return ''
  if (Array.isArray(value)) return value.map(textOf).join(' ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function cellOf<R>({ value, show }: ListColumn<R>, row: R): Cell {
  const cell = show?.(row) ?? { text: textOf(value(row)) }
  return cell.text === '' ? { text: '-', paint: (text) => paint('dim', text) } : cell
}

function printTable<R>(output: Output, columns: readonly ListColumn<R>[], rows: readonly R[], header: boolean): void {
  const titled = columns.map((column) => ({ title: column.key.toUpperCase(), ...column }))
  const cells = rows.map((row) => columns.map((column) => cellOf(column, row)))
  const options = {
    header,
    colour: output.colour,
    ...(output.width !== undefined && { width: output.width }),
    paintHeader: (title: string) => paint('bold', title),
  }
  for (const line of formatTable(titled, cells, options)) output.paintedLine(line)
}

function printCsv<R>(output: Output, columns: readonly ListColumn<R>[], rows: readonly R[], header: boolean): void {
  const lines = rows.map((row) => columns.map(({ value }) => textOf(value(row))))
  for (const line of header ? [columns.map(({ key }) => key), ...lines] : lines)
    output.line(line.map(csvField).join(','))
}

function printJson<R>(output: Output, columns: readonly ListColumn<R>[], rows: readonly R[]): void {
  output.json(rows.map((row) => Object.fromEntries(columns.map(({ key, value }) => [key, value(row)]))))
}

/** Prints rows as a table, JSON or CSV. */
export function printList<R>(
  output: Output,
  columns: readonly ListColumn<R>[],
  rows: readonly R[],
  choices: Pick<ListChoices, 'format' | 'noHeader'>,
): void {
  const format = choices.format ?? (output.isJson ? 'json' : 'table')
  if (format === 'json') printJson(output, columns, rows)
  else if (format === 'csv') printCsv(output, columns, rows, !choices.noHeader)
  else printTable(output, columns, rows, !choices.noHeader)
}

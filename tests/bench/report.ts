import { type Aim, isMet, type Limit } from './aims.ts'
import type { Sample } from './load.ts'
import { formatTable } from './table.ts'
import { formatValue, type Unit } from './units.ts'

/** A measurement with its limit and its aim. */
export interface Row {
  readonly suite: string
  readonly name: string
  /** The number of domains, when the measurement depends on it. */
  readonly domains?: number
  readonly clients?: number
  readonly value: number
  readonly unit: Unit
  readonly limit?: Limit | undefined
  readonly aim?: Aim | undefined
  /** The whole of which the value is a part. */
  readonly sample?: Sample
}

/** A row of the JSON file. */
export interface ReportedRow extends Omit<Row, 'aim'> {
  readonly ratio: number | undefined
  readonly aim: string | undefined
  readonly met: boolean | undefined
}

const heading = ['', 'suite', 'what', 'domains', 'clients', 'measured', 'limit', 'ratio', 'aim'] as const
/** Columns of numbers, which are aligned at the right. */
const aligned: ReadonlySet<number> = new Set([3, 4, 5, 6, 7])

/** The value that is shown for calls: the median time of one client, or the rate of several clients. */
export function figure(sample: Sample, clients: number): Pick<Row, 'clients' | 'value' | 'unit' | 'sample'> {
  if (clients === 1) return { clients, value: sample.p50Ms, unit: 'ms', sample }
  return { clients, value: sample.perSecond, unit: '/s', sample }
}

/** The explanation below every table. */
const legend = [
  'measured: the median time of one client, or the calls a second of several.',
  'limit: what the machine does at best, measured in turns with the figure beside it; ratio: the figure in units of it.',
  '✓ and ✗ say whether the aim is met; an aim in figures of its own moves with a limit that is worse than where it was set.',
] as const

/** Collects the measurements of the suites. */
export class Report {
  readonly rows: Row[] = []
  readonly notes: Set<string> = new Set()

  add(row: Row): void {
    this.rows.push(row)
  }

  /** Adds a remark that is printed below the table, once. */
  note(text: string): void {
    this.notes.add(text)
  }

  /** The table of all rows, and the remarks below it. */
  toText(): string {
    const table = formatTable([heading, ...this.rows.map((row) => cells(row))], aligned)
    return [table, '', ...legend, ...this.notes].join('\n')
  }

  toJson(): ReportedRow[] {
    return this.rows.map(({ aim, ...row }) => ({
      ...row,
      ratio: ratio(row),
      aim: aim?.text(row.unit),
      met: aim && isMet(aim, row.value, row.limit),
    }))
  }
}

function cells(row: Row): string[] {
  const { suite, name, domains, clients, value, unit, limit, aim } = row
  const met = aim && isMet(aim, value, limit)
  const times = ratio(row)
  return [
    met === undefined ? '' : met ? '✓' : '✗',
    suite,
    name,
    domains?.toLocaleString('en') ?? '',
    clients === undefined ? '' : String(clients),
    formatValue(value, unit),
    limit ? formatValue(limit.value, unit) : '',
    times === undefined ? '' : formatValue(times, '×'),
    aim?.text(unit).replace('limit', limit?.name ?? 'limit') ?? '',
  ]
}

function ratio({ value, limit }: Pick<Row, 'value' | 'limit'>): number | undefined {
  return limit && value / limit.value
}

import { atMost } from './aims.ts'
import type { Row } from './report.ts'

/** The aim for calls whose reply grows with the number of domains. */
const growing: ReadonlySet<string> = new Set(['admin.vm.List'])
/** Suites of calls. */
const suites: ReadonlySet<string> = new Set(['reads', 'writes', 'life', 'events'])
/** Growth up to this factor is within the variation of the machine. */
const noGrowth = atMost(1.3)

/**
 * The cost of a call with the most domains as a multiple of its cost with the fewest, each in units of the limit that was measured
 * with it. Only a call whose reply grows may cost more.
 */
export function growthRows(rows: readonly Row[]): Row[] {
  const calls = rows.filter(({ suite, unit }) => suites.has(suite) && unit === 'ms')
  const byName = Map.groupBy(calls, ({ name }) => name)
  return [...byName].flatMap(([name, ofCall]) => growth(name, ofCall))
}

function growth(name: string, rows: readonly Row[]): Row[] {
  const ordered = rows.toSorted((a, b) => (a.domains ?? 0) - (b.domains ?? 0))
  const [first, last] = [ordered.at(0), ordered.at(-1)]
  if (!first || !last || first === last) return []
  const value = cost(last) / cost(first)
  const row = { suite: 'growth', name, value, unit: '×' as const }
  return [{ ...row, ...domainsOf(last), ...(!growing.has(name) && { aim: noGrowth }) }]
}

function domainsOf({ domains }: Row): Pick<Row, 'domains'> {
  return domains === undefined ? {} : { domains }
}

function cost({ value, limit }: Row): number {
  return value / (limit?.value ?? 1)
}

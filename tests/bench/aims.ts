import { formatValue, type Unit } from './units.ts'

/** A limit: the measurement of the machine itself in the same run, and its value on the machine for which the aims are set. */
export interface Limit {
  readonly name: string
  readonly value: number
  /** The limit on the machine for which the aims are set; absolute aims move with the ratio to it. */
  readonly reference?: number
}

/** The wanted value of a measurement. */
export interface Aim {
  /** Its text in the table. */
  readonly text: (unit: Unit) => string
  /** The worst value that meets the aim; undefined when the limit that it depends on could not be measured. */
  readonly bound: (limit: Limit | undefined) => number | undefined
  readonly better: 'less' | 'more'
}

/** At most this time; larger by the factor by which the limit is above the reference. */
export function atMost(most: number): Aim {
  return { text: (unit) => `≤ ${formatValue(most, unit)}`, bound: (limit) => most * slowness(limit), better: 'less' }
}

/** At least this many calls a second; fewer by the factor by which the limit is below the reference. */
export function atLeast(least: number): Aim {
  const bound = (limit: Limit | undefined): number => least * Math.min(1, relative(limit))
  return { text: (unit) => `≥ ${formatValue(least, unit)}`, bound, better: 'more' }
}

/** At most this multiple of the limit. */
export function timesLimit(factor: number): Aim {
  return {
    text: () => `≤ ${factor} × limit`,
    bound: (limit) => limit && limit.value * factor,
    better: 'less',
  }
}

/** At most the limit and this time; larger by the factor by which the limit is above the reference. */
export function limitPlus(more: number): Aim {
  return {
    text: (unit) => `≤ limit + ${formatValue(more, unit)}`,
    bound: (limit) => limit && limit.value + more * slowness(limit),
    better: 'less',
  }
}

/** Whether a value meets its aim; undefined when the limit of the aim is missing. */
export function isMet(aim: Aim, value: number, limit: Limit | undefined): boolean | undefined {
  const bound = aim.bound(limit)
  if (bound === undefined) return undefined
  return aim.better === 'less' ? value <= bound : value >= bound
}

/** The factor by which this machine is slower than the one for which the aims are set; 1 for a faster one. */
function slowness(limit: Limit | undefined): number {
  return Math.max(1, relative(limit))
}

function relative(limit: Limit | undefined): number {
  return limit?.reference === undefined ? 1 : limit.value / limit.reference
}

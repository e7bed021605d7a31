import { formatValue, type Unit } from './units.ts'

/** What the machine itself does in the same run, with the same client; and what it did where the aims were set. */
export interface Limit {
  readonly name: string
  readonly value: number
  /** The limit on the machine for which the aims are; an aim in absolute figures moves with it. */
  readonly reference?: number
}

/** What we want a figure to be. */
export interface Aim {
  /** As it is shown. */
  readonly text: (unit: Unit) => string
  /** The worst figure that is still good; undefined when that takes a limit that could not be measured. */
  readonly bound: (limit: Limit | undefined) => number | undefined
  readonly better: 'less' | 'more'
}

/** At most so much, stretched by as much as the limit is above the reference. */
export function atMost(most: number): Aim {
  return { text: (unit) => `≤ ${formatValue(most, unit)}`, bound: (limit) => most * slowness(limit), better: 'less' }
}

/** At least so many calls a second, less by as much as the limit is below the reference. */
export function atLeast(least: number): Aim {
  const bound = (limit: Limit | undefined): number => least * Math.min(1, relative(limit))
  return { text: (unit) => `≥ ${formatValue(least, unit)}`, bound, better: 'more' }
}

/** At most so many times the limit. */
export function timesLimit(factor: number): Aim {
  return {
    text: () => `≤ ${factor} × limit`,
    bound: (limit) => limit && limit.value * factor,
    better: 'less',
  }
}

/** The limit and so much more, stretched by as much as the limit is above the reference. */
export function limitPlus(more: number): Aim {
  return {
    text: (unit) => `≤ limit + ${formatValue(more, unit)}`,
    bound: (limit) => limit && limit.value + more * slowness(limit),
    better: 'less',
  }
}

/** Whether a figure is as good as it should be; undefined when that cannot be told. */
export function isMet(aim: Aim, value: number, limit: Limit | undefined): boolean | undefined {
  const bound = aim.bound(limit)
  if (bound === undefined) return undefined
  return aim.better === 'less' ? value <= bound : value >= bound
}

/** How much slower this machine is now than where the aims were set; never less than 1, as a faster one is no merit. */
function slowness(limit: Limit | undefined): number {
  return Math.max(1, relative(limit))
}

function relative(limit: Limit | undefined): number {
  return limit?.reference === undefined ? 1 : limit.value / limit.reference
}

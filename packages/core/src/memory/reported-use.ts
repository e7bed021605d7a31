import type { DomainMemoryStats } from '@cloister/libvirt'

/** An older report does not count, seconds. Guests are asked every two seconds. */
const oldestReport = 30

/**
 * What a guest says it uses, KiB: all but what it could give to a new program (reference: storage-and-lifecycle, C.5).
 * Undefined when the guest has not reported lately, or has reported what cannot be: a balloon's unknown value is 2^64 - 1.
 * @param now seconds since 1970
 */
export function reportedUse(stats: DomainMemoryStats, now: number): number | undefined {
  const { available, usable = stats.unused, lastUpdate = 0 } = stats
  if (!isAmount(available) || !isAmount(usable) || usable > available) return undefined
  return Math.abs(now - lastUpdate) <= oldestReport ? available - usable : undefined
}

function isAmount(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

// How memory is shared between guests (reference: storage-and-lifecycle, B.10): arithmetic on what is known, no effects. KiB.

/** KiB in a MiB. */
export const mib = 1024

/** A guest's caches are worth this much more than what it uses. */
const cacheFactor = 1.3
/** No guest prefers less. */
const leastPreferred = 200 * mib
/** Targets are kept this much below what could be given, so that rounding never promises too much. */
const safety = 0.999
/** A guest that is asked for memory is asked for a little more, as it will not give exactly that. */
const borrowFactor = 1.05
/** A guest that could give less is left alone: it probably gave what it has. */
const leastDonation = 10 * mib

/** Memory is moved only when `total` is moved at least, or when a guest is short by more than `shortage`. */
const significant = { total: 150 * mib, shortage: 15 * mib } as const

/** What is known of the memory of a running guest, KiB. */
export interface GuestMemory {
  /** What the guest says it uses; undefined when it says nothing that is possible: then its memory is not moved. */
  readonly used: number | undefined
  /** What it has, or was told that it may have, whichever is more. */
  readonly actual: number
  /** What it can have at most. */
  readonly max: number
  /** It was asked for memory and gave none: its memory is not counted on, and not moved. */
  readonly noProgress: boolean
}

/** What a guest is to have. */
export interface Target<G extends GuestMemory> {
  readonly guest: G
  /** KiB. */
  readonly memory: number
}

/** What a guest should have to work well; the least amount also when it is more than the guest's maximum. */
export function preferred({ used = 0, max }: GuestMemory): number {
  return Math.max(Math.min(Math.floor(used * cacheFactor), max), leastPreferred)
}

/** What a guest lacks; negative when it could give some away. */
export function needed(guest: GuestMemory): number {
  return preferred(guest) - guest.actual
}

/** What is left when every guest has what it prefers, if `free` is free now; negative when there is not enough. */
export function spare(guests: readonly GuestMemory[], free: number): number {
  return free - sum(guests.filter(isAble), needed)
}

/**
 * Shares all memory: targets of the guests that are to change, those that give before those that get. The sum of what all
 * guests then have is never more than what they have now and `free` together.
 */
export function balance<G extends GuestMemory>(guests: readonly G[], free: number): Target<G>[] {
  const able = guests.filter(isAble)
  const rest = spare(able, free)
  const targets = rest > 0 ? share(able, rest) : squeeze(able, free)
  return targets.sort((a, b) => Number(gains(a)) - Number(gains(b)))
}

/** Each guest gets what it prefers, and a part of the rest in proportion to that; what is beyond the maximum of a guest goes to the others. */
function share<G extends GuestMemory>(guests: readonly G[], rest: number): Target<G>[] {
  const total = sum(guests, preferred)
  const targets = guests.map((guest) => {
    const wanted = preferred(guest)
    return { guest, memory: Math.floor(safety * (wanted + (rest * wanted) / total)) }
  })
  let surplus = cap(targets)
  while (surplus > 0) {
    const open = targets.filter(({ guest, memory }) => memory < guest.max)
    if (open.length === 0) break
    const bonus = Math.floor((safety * surplus) / open.length)
    for (const target of open) target.memory += bonus
    surplus = cap(open)
  }
  return targets
}

/** Cuts targets off at the maximum of each guest; what was cut off is returned. */
function cap(targets: readonly { readonly guest: GuestMemory; memory: number }[]): number {
  let surplus = 0
  for (const target of targets) {
    const over = target.memory - target.guest.max
    if (over <= 0) continue
    surplus += over
    target.memory = target.guest.max
  }
  return surplus
}

/**
 * There is not enough for all. Guests with more than they prefer go down to it; the others get what is free beyond what is so
 * yielded, which is usually nothing: what is yielded is given out by the next balance, when it is really free.
 */
function squeeze<G extends GuestMemory>(guests: readonly G[], free: number): Target<G>[] {
  const donors = guests.filter((guest) => -needed(guest) >= leastDonation)
  const donations = donors.map((guest) => ({ guest, memory: preferred(guest) }))
  const squeezed = free + sum(donors, needed)
  if (squeezed < 0) return donations
  const acceptors = guests.filter((guest) => needed(guest) >= 0 && guest.actual < guest.max)
  const total = sum(acceptors, preferred)
  const gifts = acceptors.map((guest) => {
    const memory = safety * (guest.actual + (squeezed * preferred(guest)) / total)
    return { guest, memory: Math.min(Math.floor(memory), guest.max) }
  })
  return [...donations, ...gifts]
}

/**
 * Whether targets are worth being set: they move much memory, or they help a guest that has less than it prefers, or
 * the host itself is short (`free` is negative when its reserve is touched).
 */
export function isSignificant(targets: readonly Target<GuestMemory>[], free: number): boolean {
  if (free < -significant.shortage) return true
  const changes = targets.map(({ guest, memory }) => ({ guest, change: memory - guest.actual }))
  if (changes.some(({ guest, change }) => needed(guest) > 0 && change > significant.shortage)) return true
  return sum(changes, ({ change }) => Math.abs(change)) > significant.total
}

/**
 * Targets that make guests yield `wanted` in all, each in proportion to what it could do without; undefined when they cannot.
 * Nobody is asked for more than what is beyond its preference.
 */
export function donate<G extends GuestMemory>(guests: readonly G[], wanted: number): Target<G>[] | undefined {
  const donors = guests.filter((guest) => isAble(guest) && needed(guest) < 0)
  const available = -sum(donors, needed)
  if (available < wanted) return undefined
  return donors.map((guest) => {
    const part = (-needed(guest) * wanted * borrowFactor) / available
    return { guest, memory: Math.max(preferred(guest), Math.floor(guest.actual - part)) }
  })
}

/** True when the target is more than what the guest has. */
export function gains({ guest, memory }: Target<GuestMemory>): boolean {
  return memory > guest.actual
}

function isAble({ used, noProgress }: GuestMemory): boolean {
  return used !== undefined && !noProgress
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}

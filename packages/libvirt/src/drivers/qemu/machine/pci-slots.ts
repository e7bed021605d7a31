/**
 * Places on the root bus, by device. They are fixed, so that a device more or less never moves another one (reference:
 * storage-and-lifecycle, C.1). Slots 0 and 0x1f belong to the chip set.
 */
const slots = {
  serial: { first: 0x01, count: 1 },
  balloon: { first: 0x02, count: 1 },
  rng: { first: 0x03, count: 1 },
  interface: { first: 0x04, count: 8 },
  disk: { first: 0x10, count: 15 },
} as const

export type SlotKind = keyof typeof slots

/** How many devices of a kind there is room for. */
export function slotCount(kind: SlotKind): number {
  return slots[kind].count
}

/** Where a device stands: members of its `-device`. */
export function slot(kind: SlotKind, index = 0): { readonly bus: string; readonly addr: string } {
  return { bus: 'pcie.0', addr: `0x${(slots[kind].first + index).toString(16)}` }
}

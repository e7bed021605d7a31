// Where PCI devices stand (reference: storage-and-lifecycle, C.1). A guest names a device by its bus and slot, so both depend on
// the kind and index of the device alone, whatever other devices there are.
//
// A device that can be plugged in while the guest runs stands in a `pcie-root-port` of its own: the root bus of q35 refuses hot
// plug, and a port holds one device. Buses are numbered in the order of their ports; therefore every machine has all ports,
// most of them empty. The others stand on the root bus.

/** Slots of the root bus by device; 0 and 0x1f belong to the chip set. */
const rootSlots = { serial: 0x01, balloon: 0x02, rng: 0x03 } as const

/** Ports by the device in them: the functions of slots of the root bus from `slot` on. `spare` is for devices plugged in later. */
const portSlots = {
  interface: { slot: 0x04, count: 8 },
  disk: { slot: 0x10, count: 15 },
  spare: { slot: 0x18, count: 8 },
} as const

const functionsOfSlot = 8

/** Devices on the root bus, one of each. */
export type RootDevice = keyof typeof rootSlots

/** Devices in ports of their own. */
export type PortDevice = keyof typeof portSlots

/** How many devices of a kind there is room for. */
export function portCount(kind: PortDevice): number {
  return portSlots[kind].count
}

/** Place of a device on the root bus: members of its `-device`. */
export function rootPlace(kind: RootDevice): { readonly bus: string; readonly addr: string } {
  return { bus: 'pcie.0', addr: `0x${rootSlots[kind].toString(16)}` }
}

/** Place of a device in its port: members of its `-device`. */
export function portPlace(kind: PortDevice, index: number): { readonly bus: string } {
  return { bus: `port-${kind}${index}` }
}

/** All ports of a machine, each a `-device`. */
export function rootPorts(): Record<string, unknown>[] {
  return Object.entries(portSlots).flatMap(([kind, { slot, count }]) =>
    Array.from({ length: count }, (_, index) => {
      const place = slot * functionsOfSlot + index
      return {
        driver: 'pcie-root-port',
        id: `port-${kind}${index}`,
        bus: 'pcie.0',
        addr: `0x${Math.floor(place / functionsOfSlot).toString(16)}.${index % functionsOfSlot}`,
        // Without it on the first function the guest looks for no others.
        multifunction: index % functionsOfSlot === 0,
        // The number by which the guest tells the ports apart; it fits a byte.
        chassis: place,
        slot: place,
        // No device needs ports of the PC's 64 KiB, which would not do for all.
        'io-reserve': 0,
      }
    }),
  )
}

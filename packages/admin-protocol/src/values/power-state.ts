/** What a domain is doing (reference: admin-api, 11). */
export type PowerState =
  | 'Halted'
  | 'Transient'
  | 'Running'
  | 'Paused'
  | 'Suspended'
  | 'Halting'
  | 'Dying'
  | 'Crashed'
  | 'NA'

/** All power states. */
export const powerStates: readonly PowerState[] = [
  'Halted',
  'Transient',
  'Running',
  'Paused',
  'Suspended',
  'Halting',
  'Dying',
  'Crashed',
  'NA',
]

/** States that a domain is shown in (reference: storage-and-lifecycle, B.2). */
export type PowerState = 'Halted' | 'Transient' | 'Running' | 'Paused' | 'Suspended' | 'Halting' | 'Dying' | 'Crashed'

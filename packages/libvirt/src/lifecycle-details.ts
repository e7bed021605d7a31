/** Details of life-cycle events, by kind: `virDomainEvent<Kind>DetailType` (reference: libvirt, 6). */
export const lifecycleDetails = {
  defined: { added: 0, updated: 1, renamed: 2, fromSnapshot: 3 },
  undefined: { removed: 0, renamed: 1 },
  started: { booted: 0, migrated: 1, restored: 2, fromSnapshot: 3, wakeup: 4 },
  suspended: { paused: 0, migrated: 1, ioerror: 2, watchdog: 3, restored: 4, fromSnapshot: 5, apiError: 6 },
  resumed: { unpaused: 0, migrated: 1, fromSnapshot: 2 },
  stopped: { shutdown: 0, destroyed: 1, crashed: 2, migrated: 3, saved: 4, failed: 5, fromSnapshot: 6 },
  shutdown: { finished: 0, guest: 1, host: 2 },
  pmsuspended: { memory: 0, disk: 1 },
  crashed: { panicked: 0, crashloaded: 1 },
} as const

import type { Clock } from './clock.ts'
import type { Files } from './files.ts'
import type { FolderLocks } from './folder-lock.ts'
import type { Host } from './host.ts'
import type { Processes } from './processes.ts'

/** The only door to the machine. Tests put a modelled one in its place. */
export interface Os {
  readonly files: Files
  readonly locks: FolderLocks
  readonly processes: Processes
  readonly clock: Clock
  readonly host: Host
}

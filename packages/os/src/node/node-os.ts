import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { arch, cpus, hostname, totalmem } from 'node:os'
import type { Host } from '../host.ts'
import type { Os } from '../os.ts'
import { NodeClock } from './node-clock.ts'
import { NodeFiles } from './node-files.ts'
import { NodeFolderLocks } from './node-folder-locks.ts'
import { NodeProcesses } from './node-processes.ts'

/** The machine itself. Reads what never changes at once: make it at start-up. */
export function nodeOs(): Os {
  const processes = new NodeProcesses()
  const host: Host = {
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    uid: process.getuid?.() ?? -1,
    memory: totalmem(),
    cpus: cpus().length,
    name: hostname(),
    architecture: arch(),
    random: (count) => randomBytes(count),
  }
  const [files, clock] = [new NodeFiles(processes), new NodeClock()]
  return { files, locks: new NodeFolderLocks(files, clock), processes, clock, host }
}

import type { Host } from '../host.ts'
import type { Os } from '../os.ts'
import { ModelledClock } from './modelled-clock.ts'
import { ModelledFiles, type ModelledFilesOptions } from './modelled-files.ts'
import { ModelledFolderLocks } from './modelled-folder-locks.ts'
import { ModelledProcesses } from './modelled-processes.ts'

/** A machine in memory, for tests: a file system that can lose its power, a clock that is moved, fake programs. */
export class ModelledOs implements Os {
  readonly files: ModelledFiles
  readonly locks: ModelledFolderLocks
  readonly processes: ModelledProcesses = new ModelledProcesses()
  readonly clock: ModelledClock = new ModelledClock()
  readonly host: Host
  #boots = 1

  constructor(options: Omit<ModelledFilesOptions, 'clock'> = {}) {
    this.files = new ModelledFiles({ ...options, clock: this.clock })
    this.locks = new ModelledFolderLocks(this.files)
    const bootId = (): string => `boot-${this.#boots}`
    const random = seededNumbers(1)
    this.host = {
      get bootId() {
        return bootId()
      },
      uid: 0,
      memory: 2 ** 34,
      cpus: 4,
      name: 'modelled',
      architecture: 'x64',
      random: (count) => Uint8Array.from({ length: count }, () => random() * 256),
    }
  }

  /** Kills the process and starts it again; the machine keeps running. */
  restart(): void {
    this.files.faults.clear()
    this.locks.end()
    this.processes.renew()
  }

  /** Power loss and restart of the machine. `survives`: see `ModelledFiles.losePower`. */
  losePower(survives?: () => boolean): void {
    this.restart()
    this.#boots++
    this.files.losePower(survives)
  }
}

/** Random numbers from 0 up to 1, the same for the same seed. */
export function seededNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** An answer for `losePower`: about half of what was not durable survives, the same half for the same seed. */
export function seededSurvival(seed: number): () => boolean {
  const next = seededNumbers(seed)
  return () => next() < 0.5
}

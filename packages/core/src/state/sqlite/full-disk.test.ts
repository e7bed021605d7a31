import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises'
import { errorText } from '@cloister/kit'
import { errorCode, nodeOs } from '@cloister/os'
import { afterEach, describe, expect, it, type TestContext, vi } from 'vitest'
import { Journal } from '../journal.ts'
import { StateWriteError } from '../state-write-error.ts'
import { SqliteStateStore } from './sqlite-state-store.ts'

const os = nodeOs()

/** A small file system, mounted for one test. */
interface Disk {
  readonly path: string
  unmount(): Promise<void>
}

type MakeDisk = (scratch: string) => Promise<string>

/** How to mount a file system of 8 MiB under a scratch folder; both need to be root. */
const kinds: Readonly<Record<string, MakeDisk>> = {
  tmpfs: async (scratch) => {
    await os.files.makeFolder(`${scratch}/disk`, 0o700)
    await os.processes.run(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', `${scratch}/disk`])
    return `${scratch}/disk`
  },
  ext4: async (scratch) => {
    await os.files.makeFolder(`${scratch}/disk`, 0o700)
    await os.files.create(`${scratch}/image`, { size: 8n << 20n })
    await os.processes.run(['mkfs.ext4', '-q', '-m', '0', '-O', '^has_journal', `${scratch}/image`])
    await os.processes.run(['mount', '-o', 'loop', `${scratch}/image`, `${scratch}/disk`])
    return `${scratch}/disk`
  },
}

import type { FileHandle } from 'node:fs/promises'
import { ProcessError, type Processes } from '../processes.ts'

/** A copy may take this long; its caller can call it off. */
const copyTimeoutMs = 6 * 3600_000

/** What `cp` prints when the file system fails (programs are run in the C locale), and the code of that error. */
const saidBySystem = [
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['Input/output error', 'EIO'],
  ['Read-only file system', 'EROFS'],
  ['File too large', 'EFBIG'],
] as const

/** Two open files, with the paths that errors show. */
export interface Copy {
  readonly source: FileHandle
  readonly target: FileHandle
  readonly from: string
  readonly to: string
  readonly signal?: AbortSignal
}

/** Copies between open files with `cp`, which leaves holes for zeroes, also where the source has none. */
export async function copySparse(processes: Processes, { source, target, from, to, signal }: Copy): Promise<void> {
  const [old, name] = [source, target].map(({ fd }) => `/proc/${process.pid}/fd/${fd}`) as [string, string]
  const options = { timeoutMs: copyTimeoutMs, ...(signal && { signal }) }
  try {
    await processes.run(['cp', '--sparse=always', '--reflink=never', '--', old, name], options)
  } catch (error) {
    const said = error instanceof ProcessError ? error.stderr.replaceAll(old, from).replaceAll(name, to) : ''
    const code = saidBySystem.find(([text]) => said.includes(text))?.[1]
    if (!code) throw error
    throw Object.assign(new Error(`${code}: ${said.trim()}`, { cause: error }), { code, path: to })
  }
}

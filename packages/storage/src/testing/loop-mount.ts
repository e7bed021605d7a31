import { execFile, execFileSync } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const imageSize = 600 << 20

/** A file system in a file, mounted for a test. */
export interface LoopMount {
  readonly folder: string
  /** Unmounts, which also detaches the loop device, and removes all of it. */
  close(): Promise<void>
}

/** Makes and mounts a file system of that type; a text that says why when this machine does not allow it. */
export async function loopMount(type: 'btrfs' | 'xfs'): Promise<LoopMount | string> {
  if (process.getuid?.() !== 0) return `${type}: only root can mount`
  const base = await fs.mkdtemp(join(tmpdir(), `cloister-${type}-`))
  const [image, folder] = [join(base, 'image'), join(base, 'mounted')]
  try {
    await fs.mkdir(folder)
    await fs.writeFile(image, '')
    await fs.truncate(image, imageSize)
    await run(`mkfs.${type}`, ['-q', image])
    await run('mount', ['-o', 'loop', image, folder])
  } catch (error) {
    await fs.rm(base, { recursive: true, force: true })
    return `${type}: ${error instanceof Error ? error.message : error}`
  }
  // If the test process ends without `close`, the loop device must not stay busy.
  const lastResort = (): void => {
    execFileSync('umount', ['--lazy', folder])
  }
  process.once('exit', lastResort)
  return {
    folder,
    close: async () => {
      await run('umount', [folder])
      process.removeListener('exit', lastResort)
      await fs.rm(base, { recursive: true })
    },
  }
}

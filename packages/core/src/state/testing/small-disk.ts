import { mkdtemp, rm } from 'node:fs/promises'
import { errorText } from '@cloister/kit'
import { nodeOs } from '@cloister/os'
import type { TestContext } from 'vitest'

const { files, processes } = nodeOs()

/** Makes a file system on an image in a scratch folder; returns the options of `mount`. */
const onImage =
  (mebibytes: bigint, ...mkfs: readonly [string, ...string[]]) =>
  async (scratch: string): Promise<string[]> => {
    await files.create(`${scratch}/image`, { size: mebibytes << 20n })
    await processes.run([...mkfs, `${scratch}/image`])
    return ['-o', 'loop', `${scratch}/image`]
  }

/** Options of `mount` for a file system that is as small as its kind allows, made in a scratch folder. */
const kinds = {
  tmpfs: async (): Promise<string[]> => ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs'],
  ext4: onImage(32n, 'mkfs.ext4', '-q'),
  xfs: onImage(300n, 'mkfs.xfs', '-q'),
  btrfs: onImage(256n, 'mkfs.btrfs', '-q'),
}

export type DiskKind = keyof typeof kinds

/** A small file system for one test, mounted on `path`; gone when the test ends. */
export class SmallDisk {
  readonly #scratch: string

  private constructor(scratch: string) {
    this.#scratch = scratch
  }

  /** Mounts a small disk; where that is not possible (for instance without root) skips the test with the reason. */
  static async mount(kind: DiskKind, test: TestContext): Promise<SmallDisk> {
    const disk = new SmallDisk(await mkdtemp('/tmp/cloister-disk-'))
    test.onTestFinished(() => rm(disk.#scratch, { recursive: true }))
    try {
      await files.makeFolder(disk.path, 0o700)
      await processes.run(['mount', ...(await kinds[kind](disk.#scratch)), disk.path])
    } catch (error) {
      test.skip(`cannot mount a ${kind}: ${errorText(error)}`)
    }
    test.onTestFinished(() => unmount(disk.path))
    return disk
  }

  get path(): string {
    return `${this.#scratch}/disk`
  }

  /**
   * What an ext4 disk would hold if the power went now: only what was synced has reached the image (or what the kernel wrote
   * by itself, some seconds after). Calls `look` with the folder on which a copy of it is mounted.
   */
  async afterPowerCut<T>(look: (folder: string) => Promise<T>): Promise<T> {
    const [copy, folder] = [`${this.#scratch}/copy`, `${this.#scratch}/after`]
    await files.copySparse(`${this.#scratch}/image`, copy)
    await files.makeFolder(folder, 0o700)
    await processes.run(['mount', '-o', 'loop', copy, folder])
    try {
      return await look(folder)
    } finally {
      await unmount(folder)
      await files.unlink(copy)
    }
  }
}

async function unmount(folder: string): Promise<void> {
  await processes.run(['umount', folder])
}

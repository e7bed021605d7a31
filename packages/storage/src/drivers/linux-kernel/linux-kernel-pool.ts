import { msg, QubesValueError, QubesVolumeNotFoundError } from '@cloister/kit'
import type { Os } from '@cloister/os'
import type { Pool, PoolCapabilities } from '../../pool.ts'
import { includedIn } from '../../pool-folder.ts'
import type { Volume, VolumeConfig } from '../../volume.ts'
import { installedKernels } from './kernels.ts'
import { LinuxKernelVolume } from './linux-kernel-volume.ts'

/**
 * Driver `linux-kernel`: a folder with a folder for each kernel, which packages of the host install (reference:
 * storage-and-lifecycle, A.7). It is only read, so it needs no lock and may be shared.
 */
export class LinuxKernelPool implements Pool {
  readonly name: string
  readonly driver: string = 'linux-kernel'
  readonly capabilities: PoolCapabilities = { revert: false, maxRevisions: 0, reflink: false, createVolumes: false }
  readonly dirPath: string
  readonly os: Os
  readonly #volumes = new Map<string, LinuxKernelVolume>()

  constructor(name: string, dirPath: string, os: Os) {
    this.name = name
    this.dirPath = dirPath
    this.os = os
  }

  get revisionsToKeep(): number {
    return 0
  }

  set revisionsToKeep(value: number) {
    if (value !== 0)
      throw new QubesValueError(msg`Pool ${this.name} holds kernels, which have no revisions: use revisions_to_keep=0`)
  }

  get ephemeralVolatile(): boolean {
    return false
  }

  set ephemeralVolatile(value: boolean) {
    if (value)
      throw new QubesValueError(
        msg`Pool ${this.name} holds kernels, which are not encrypted: use ephemeral_volatile=False`,
      )
  }

  config(): Record<string, string> {
    return { name: this.name, driver: this.driver, dir_path: this.dirPath }
  }

  async setup(): Promise<void> {}

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async discard(): Promise<void> {}

  async usageDetails(): Promise<Record<string, bigint>> {
    return {}
  }

  /** The `vid` is the name of the kernel, empty for a domain without one: domains with the same kernel share the object. */
  initVolume(config: VolumeConfig): LinuxKernelVolume {
    const vid = config.vid ?? ''
    const volume = new LinuxKernelVolume(this, vid, config)
    const known = this.#volumes.get(vid)
    if (known?.name === volume.name) return known
    this.#volumes.set(vid, volume)
    return volume
  }

  /** @throws QubesVolumeNotFoundError when no domain uses such a kernel */
  getVolume(vid: string): LinuxKernelVolume {
    const volume = this.#volumes.get(vid)
    if (volume) return volume
    throw new QubesVolumeNotFoundError(msg`Pool ${this.name} has no volume ${vid}`)
  }

  /** One for each installed kernel. */
  /** Objects of kernels are not kept. */
  forget(): void {}

  async listVolumes(): Promise<Volume[]> {
    const flags = { rw: false, snapOnStart: false, saveOnStop: false }
    const kernels = await installedKernels(this.os.files, this.dirPath)
    return kernels.map(
      (vid) => this.#volumes.get(vid) ?? new LinuxKernelVolume(this, vid, { name: 'kernel', ...flags }),
    )
  }

  includedIn(others: readonly Pool[]): Promise<string | undefined> {
    return includedIn(this.os.files, this.dirPath, others)
  }
}

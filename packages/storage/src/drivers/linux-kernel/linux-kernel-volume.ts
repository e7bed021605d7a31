import { msg, QubesNotImplementedError, QubesValueError, StoragePoolException } from '@cloister/kit'
import type { BlockDevice, Revision, Volume, VolumeConfig } from '../../volume.ts'
import { volumeKind } from '../../volume-kinds.ts'
import { isKernelName, kernelFiles } from './kernels.ts'
import type { LinuxKernelPool } from './linux-kernel-pool.ts'

/** The modules of a kernel as a read-only disk; no disk for the empty name or a kernel without modules. */
export class LinuxKernelVolume implements Volume {
  readonly name: string
  readonly pool: LinuxKernelPool
  readonly vid: string
  readonly snapOnStart: boolean = false
  readonly saveOnStop: boolean = false
  readonly source: undefined

  /** @throws QubesValueError, QubesNotImplementedError for anything but a read-only volatile volume */
  constructor(pool: LinuxKernelPool, vid: string, config: VolumeConfig) {
    if (config.saveOnStop) {
      throw new QubesNotImplementedError('A volume of the driver linux-kernel is never saved: use save_on_stop=False')
    }
    if (volumeKind(config) === 'snapshot') {
      throw new QubesNotImplementedError('A volume of the driver linux-kernel has no source: use snap_on_start=False')
    }
    if (vid !== '' && !isKernelName(vid)) throw new QubesValueError(msg`Invalid name of a kernel: ${vid}`)
    this.name = config.name
    this.pool = pool
    this.vid = vid
    this.rw = config.rw
    this.revisionsToKeep = config.revisionsToKeep ?? 0
    this.ephemeral = config.ephemeral
  }

  get rw(): boolean {
    return false
  }

  set rw(value: boolean) {
    if (value) throw new QubesValueError('The modules of a kernel are read-only: use rw=False')
  }

  get revisionsToKeep(): number {
    return 0
  }

  set revisionsToKeep(value: number) {
    if (value !== 0) throw new QubesValueError('The modules of a kernel have no revisions: use revisions_to_keep=0')
  }

  get ephemeral(): boolean | undefined {
    return false
  }

  set ephemeral(value: boolean | undefined) {
    if (value) throw new QubesValueError('The modules of a kernel are not encrypted: use ephemeral=False')
  }

  get isEphemeral(): boolean {
    return false
  }

  /** The image with modules, whether it is there or not. */
  get path(): string {
    return this.vid && `${this.pool.dirPath}/${this.vid}/modules.img`
  }

  config(): VolumeConfig {
    const { name, vid, rw, snapOnStart, saveOnStop, revisionsToKeep } = this
    return { name, vid, rw, snapOnStart, saveOnStop, revisionsToKeep }
  }

  async size(): Promise<bigint> {
    return (await this.#stat())?.size ?? 0n
  }

  async usage(): Promise<bigint> {
    return (await this.#stat())?.allocated ?? 0n
  }

  async isDirty(): Promise<boolean> {
    return false
  }

  async isOutdated(): Promise<boolean> {
    return false
  }

  async revisions(): Promise<Revision[]> {
    return []
  }

  async blockDevice(): Promise<BlockDevice | undefined> {
    const present = (await this.#stat()) !== undefined
    return present ? { path: this.path, format: 'raw', kind: 'file', rw: false, disposable: false } : undefined
  }

  async create(): Promise<void> {}

  async remove(): Promise<void> {}

  /** @throws StoragePoolException when the kernel is not installed */
  async verify(): Promise<void> {
    if (this.vid) await kernelFiles(this.pool.os.files, this.pool.dirPath, this.vid)
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async export(): Promise<string> {
    if (await this.#stat()) return this.path
    throw new StoragePoolException(msg`Cannot export: kernel ${this.vid || 'none'} has no modules.img`)
  }

  async exportEnd(): Promise<void> {}

  /** Accepted from another kernel, so that a domain can be cloned; there is nothing to do. */
  async importVolume(source: Volume): Promise<void> {
    if (source instanceof LinuxKernelVolume) return
    throw new QubesNotImplementedError(
      msg`The modules of a kernel cannot be replaced by the content of volume ${source.vid}`,
    )
  }

  async resize(): Promise<void> {
    throw new QubesNotImplementedError('The modules of a kernel are read-only: their volume cannot be resized')
  }

  #stat() {
    return this.path ? this.pool.os.files.stat(this.path) : Promise.resolve(undefined)
  }
}

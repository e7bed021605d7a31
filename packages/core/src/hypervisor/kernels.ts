import { msg, QubesException, QubesPropertyValueError, StoragePoolException } from '@cloister/kit'
import type { Os } from '@cloister/os'
import { installedKernels, type KernelFiles, kernelFiles } from '@cloister/storage'
import type { KernelsPort } from '../domains/ports/kernels.ts'

/**
 * The kernels that can be booted, as last seen on disk. Reading a property must not wait for the disk, so what the folders
 * hold is kept here; it is read again when a kernel is chosen or about to be booted.
 */
export class Kernels implements KernelsPort {
  readonly #os: Os
  readonly #folder: string
  readonly #kernels = new Map<string, KernelFiles>()

  private constructor(os: Os, folder: string) {
    this.#os = os
    this.#folder = folder
  }

  /** Reads what is in `folder`, one folder a kernel. */
  static async open(os: Os, folder: string): Promise<Kernels> {
    const kernels = new Kernels(os, folder)
    for (const name of await installedKernels(os.files, folder)) await kernels.refresh(name)
    return kernels
  }

  /** What is known of a kernel without asking the disk. */
  known(name: string): KernelFiles | undefined {
    return this.#kernels.get(name)
  }

  /** The newest kernel found at start-up. */
  get newest(): string | undefined {
    return this.#kernels.keys().next().value
  }

  /** Reads a kernel's folder again; undefined when there is no such kernel. */
  async refresh(name: string | undefined): Promise<KernelFiles | undefined> {
    if (!name) return undefined
    try {
      const kernel = await kernelFiles(this.#os.files, this.#folder, name)
      this.#kernels.set(name, kernel)
      return kernel
    } catch (error) {
      if (!(error instanceof StoragePoolException)) throw error
      this.#kernels.delete(name)
      return undefined
    }
  }

  /** Refuses the name of a kernel that is not installed. The empty name, which means none, is fine. */
  async require(name: string): Promise<void> {
    if (name === '' || (await this.refresh(name))) return
    throw new QubesPropertyValueError(
      msg`The kernel ${name} is not installed: no vmlinuz in a folder of that name in ${this.#folder}`,
    )
  }

  /** A kernel that is about to be booted. @throws QubesException when it is gone */
  get(name: string): KernelFiles {
    const kernel = this.known(name)
    if (!kernel) throw new QubesException(msg`The kernel ${name} is not installed`)
    return kernel
  }
}

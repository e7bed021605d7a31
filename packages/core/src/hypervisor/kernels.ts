import {
  type Log,
  type Message,
  msg,
  QubesException,
  QubesPropertyValueError,
  StoragePoolException,
} from '@cloister/kit'
import type { Os } from '@cloister/os'
import { installedKernels, isKernelName, type KernelFiles, kernelFiles } from '@cloister/storage'
import type { KernelsPort } from '../domains/ports/kernels.ts'

/**
 * The kernels that can be booted, as last seen on disk. Reading a property must not wait for the disk, so what the folders
 * hold is kept here; it is read again when a kernel is chosen or about to be booted.
 */
export class Kernels implements KernelsPort {
  readonly #os: Os
  readonly #folder: string
  readonly #log: Log
  readonly #kernels = new Map<string, KernelFiles>()
  /** Why kernels cannot be used. */
  readonly #faults = new Map<string, StoragePoolException>()

  private constructor(os: Os, folder: string, log: Log) {
    this.#os = os
    this.#folder = folder
    this.#log = log
  }

  /** Reads what is in `folder`, one folder a kernel. What cannot be used is logged, and keeps nothing else from working. */
  static async open(os: Os, folder: string, log: Log): Promise<Kernels> {
    const kernels = new Kernels(os, folder, log)
    try {
      for (const name of await installedKernels(os.files, folder)) await kernels.refresh(name)
    } catch (error) {
      if (!(error instanceof StoragePoolException)) throw error
      log.error('the folder of the kernels cannot be read: no kernel can be booted', { error })
    }
    return kernels
  }

  /** What is known of a kernel without asking the disk. */
  known(name: string): KernelFiles | undefined {
    return this.#kernels.get(name)
  }

  /** The newest kernel found at start-up that can be used. */
  get newest(): string | undefined {
    return this.#kernels.keys().next().value
  }

  /** Why kernels that were looked at cannot be used, by name. */
  faults(): ReadonlyMap<string, string> {
    return new Map([...this.#faults].map(([name, { message }]) => [name, message]))
  }

  /** Reads a kernel's folder again; undefined when there is no such kernel, or it cannot be used. */
  async refresh(name: string | undefined): Promise<KernelFiles | undefined> {
    if (!name) return undefined
    try {
      const kernel = await kernelFiles(this.#os.files, this.#folder, name)
      this.#kernels.set(name, kernel)
      this.#faults.delete(name)
      return kernel
    } catch (error) {
      if (!(error instanceof StoragePoolException)) throw error
      this.#noteFault(name, error)
      return undefined
    }
  }

  /** Refuses the name of a kernel that cannot be booted. The empty name, which means none, is fine. */
  async require(name: string): Promise<void> {
    if (name === '' || (await this.refresh(name))) return
    const fault = this.#faults.get(name)
    // Any text can be asked for: only a kernel that has a folder has files to mend.
    const isThere = isKernelName(name) && (await this.#os.files.stat(`${this.#folder}/${name}`))
    if (!isThere) this.#faults.delete(name)
    throw new QubesPropertyValueError(unusable(name, fault), { cause: fault })
  }

  /** A kernel that is about to be booted. @throws QubesException that names the file when it cannot be used */
  get(name: string): KernelFiles {
    const kernel = this.known(name)
    if (kernel) return kernel
    const fault = this.#faults.get(name)
    throw new QubesException(unusable(name, fault), { cause: fault })
  }

  #noteFault(name: string, fault: StoragePoolException): void {
    const isNew = this.#faults.get(name)?.message !== fault.message
    this.#kernels.delete(name)
    this.#faults.set(name, fault)
    if (isNew) this.#log.warn('a kernel cannot be used', { kernel: name, reason: fault.message })
  }
}

function unusable(name: string, fault: StoragePoolException | undefined): Message {
  return msg`The kernel ${name} cannot be used: ${fault?.message ?? 'it is not installed'}`
}

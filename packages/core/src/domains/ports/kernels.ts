import type { KernelFiles } from '@cloister/storage'

/** The kernels that can be booted, as last seen on disk. */
export interface KernelsPort {
  /** The newest kernel found at start-up. */
  readonly newest: string | undefined
  /** Why kernels cannot be used, by the name of the kernel. */
  faults(): ReadonlyMap<string, string>
  /** What is known of a kernel without asking the disk. */
  known(name: string): KernelFiles | undefined
  /** Reads a kernel's folder again; undefined when there is no such kernel. */
  refresh(name: string | undefined): Promise<KernelFiles | undefined>
  /** Refuses the name of a kernel that is not installed. The empty name, which means no kernel, is accepted. */
  require(name: string): Promise<void>
  /** A kernel that is about to be booted. @throws QubesException when the kernel is gone */
  get(name: string): KernelFiles
}

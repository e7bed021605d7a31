/** What the machine is. */
export interface Host {
  /** Changes at each boot. */
  readonly bootId: string
  /** User that the process runs as. */
  readonly uid: number
  /** All memory, bytes. */
  readonly memory: number
  readonly cpus: number
  readonly name: string
  readonly architecture: string
  /** Bytes that nobody can guess. */
  random(count: number): Uint8Array
}

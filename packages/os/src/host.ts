/** Facts about the machine that do not change while it runs. */
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
  /** Random bytes that cannot be guessed. */
  random(count: number): Uint8Array
}

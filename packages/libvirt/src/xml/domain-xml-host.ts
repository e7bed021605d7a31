/** What the parser needs of the host: random bytes for new uuids and addresses, and the default architecture. `Os.host` is one. */
export interface DomainXmlHost {
  /** As Node names it. */
  readonly architecture: string
  random(count: number): Uint8Array
}
